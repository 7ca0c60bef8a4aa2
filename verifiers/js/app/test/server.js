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
 * Starts a server. `evidence` gives the bytes for an item, or null for an answer that never comes, or a status. `asked`
 * lists what was asked.
 */
export async function serve({ evidence, members = [], origins = [] }) {
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
    } else if (url.pathname === '/app/members.json') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ members }));
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
