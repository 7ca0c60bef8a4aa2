// A server as a node is one to the page: it sends the page with its policy, evidence files, and which other members there
// are. What it answers is chosen by the test.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const PAGE = readFileSync(new URL('../../touchstone-app.html', import.meta.url), 'utf8');

/** The page's own policy with the servers that it may ask, as a node writes it. */
export function policyFor(members) {
  const [, own] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(PAGE);
  const origins = ["'self'", ...members.map(({ url }) => url)].join(' ');
  return `${own.replace('connect-src http: https:', `connect-src ${origins}`)}; frame-ancestors 'none'`;
}

/**
 * Starts a server. `evidence` gives the bytes for an item, or null for an answer that never comes, or a status. `designs`
 * are ids by a file's hash, `scans` gives codes for a scan that is told, or a status, where the node counts them, `designEvidence` bytes by a design's id, `status` gives what the node says of itself. `asked`
 * lists what was asked.
 */
export async function serve({ evidence, members = [], origins = [], designs = {}, designEvidence = {}, status = null, scans = null }) {
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
      response.end(JSON.stringify([{ createdAt: '2026-03-01T00:00:00Z', running: false, success: true }]));
    } else if (url.pathname === '/app/members.json') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ members, scans: scans !== null }));
    } else {
      response.writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': policyFor(members),
      });
      response.end(PAGE);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
