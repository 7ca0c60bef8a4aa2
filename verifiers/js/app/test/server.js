// A server as a node is one to the page: it sends the page with its policy, evidence files, and which other members there
// are. What it answers is chosen by the test.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const PAGE = readFileSync(new URL('../../touchstone-app.html', import.meta.url), 'utf8');

const CAPTURES = [
  { createdAt: '2026-03-01T00:00:00Z', running: false, success: true, errors: [] },
  {
    createdAt: '2026-02-28T09:00:00Z',
    running: false,
    success: false,
    errors: [{ detail: 'the item is held by carrier' }],
  },
];
const QUERIES = [{ name: 'shipped', query: { eventType: ['ObjectEvent'], EQ_bizStep: ['shipping'] } }];

/** The page's own policy with the servers that it may ask, as a node writes it. */
export function policyFor(members, openings = null) {
  const [, own] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(PAGE);
  const origins = ["'self'", ...members.map(({ url }) => url), openings].filter(Boolean).join(' ');
  return `${own.replace('connect-src http: https:', `connect-src ${origins}`)}; frame-ancestors 'none'`;
}

/**
 * Starts a server. `evidence` gives the bytes for an item, or null for an answer that never comes, or a status. `designs`
 * are ids by a file's hash, `scans` gives codes for a scan that is told, or a status, where the node counts them, `designEvidence` bytes by a design's id, `status` gives what the node says of itself. `openings` is the address at
 * which openings are recorded. `asked` lists what was asked.
 */
export async function serve({
  evidence,
  members = [],
  origins = [],
  designs = {},
  designEvidence = {},
  status = null,
  scans = null,
  openings = null,
}) {
  const asked = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    asked.push(`${request.method} ${request.url}`);
    const { origin } = request.headers;
    if (origin !== undefined && origins.includes(origin)) response.setHeader('Access-Control-Allow-Origin', origin);
    if (url.pathname === '/evidence') {
      const answer = evidence(url.searchParams.get('item'));
      if (answer === null) return;
      if (typeof answer === 'number') {
        response.writeHead(answer, { 'Content-Type': 'application/problem+json' });
        response.end(JSON.stringify({ detail: 'not now' }));
        return;
      }
      response.writeHead(200, { 'Content-Type': 'application/x-touchstone-evidence' });
      response.end(Buffer.from(answer));
    } else if (url.pathname === '/app/designs.json') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ designs: designs[url.searchParams.get('file')] ?? [] }));
    } else if (/^\/designs\/\w+\/evidence$/.test(url.pathname)) {
      response.writeHead(200, { 'Content-Type': 'application/x-touchstone-evidence' });
      response.end(Buffer.from(designEvidence[url.pathname.split('/')[2]]));
    } else if (url.pathname === '/app/status.json' && status !== null) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(status()));
    } else if (url.pathname === '/app/scans.json' && scans !== null) {
      let body = '';
      request.on('data', (bytes) => (body += bytes));
      request.on('end', () => {
        const answer = scans(JSON.parse(body));
        response.writeHead(typeof answer === 'number' ? answer : 200, { 'Content-Type': 'application/json' });
        response.end(typeof answer === 'number' ? '{}' : JSON.stringify({ version: 1, counted: true, codes: answer }));
      });
    } else if (url.pathname === '/capture') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(CAPTURES));
    } else if (url.pathname === '/queries' && status !== null) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(QUERIES));
    } else if (url.pathname === '/app/members.json') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ members, scans: scans !== null, openings }));
    } else {
      response.writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': policyFor(members, openings),
      });
      response.end(PAGE);
    }
  });
  return { asked, ...(await started(server)) };
}

async function started(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/**
 * Starts a gateway's port for openings, which pages of these `origins` may ask. `open` gives the answer to what is told, or
 * a status. `told` lists what was told, `asked` which methods came.
 */
export async function serveOpenings({ open, origins }) {
  const [told, asked] = [[], []];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { origin } = request.headers;
    const mayAsk = origins.includes(origin);
    if (mayAsk) response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method === 'OPTIONS' && mayAsk) {
      response.writeHead(204, { 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': 'content-type' });
      response.end();
      return;
    }
    let body = '';
    request.on('data', (bytes) => (body += bytes));
    request.on('end', () => {
      const isRequest = mayAsk && request.method === 'POST' && request.url === '/openings';
      if (isRequest) told.push(JSON.parse(body));
      const answer = isRequest ? open(told.at(-1)) : 403;
      const status = typeof answer === 'number' ? answer : 201;
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(typeof answer === 'number' ? JSON.stringify({ detail: 'no' }) : JSON.stringify(answer));
    });
  });
  return { told, asked, ...(await started(server)) };
}
