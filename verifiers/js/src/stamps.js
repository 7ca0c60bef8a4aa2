// Time stamps of the file's blocks (docs/evidence.md, "Time stamps").

import { compare, equal, hasControl, hex, utf8 } from './bytes.js';
import { sha256 } from './hashes.js';
import { demand } from './refusal.js';
import { checkToken } from './tokens.js';
import { MAX_CHECKPOINT_BLOCKS, checkpointDocument, checkpointRoot } from './trees.js';

const bigCompare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const compareCheckpoints = (a, b) =>
  bigCompare(a.first, b.first) ||
  bigCompare(a.last, b.last) ||
  compare(utf8(a.authority), utf8(b.authority)) ||
  compare(a.token, b.token);

function checkCheckpoint({ first, last, authority }) {
  demand(
    first >= 1n && first <= last && last - first + 1n <= MAX_CHECKPOINT_BLOCKS,
    'a checkpoint of no such blocks',
  );
  const { length } = utf8(authority);
  demand(length >= 1 && length <= 512 && !hasControl(authority), "an authority's address of another form");
}

/**
 * Examines checkpoints and stamps. `blocks` maps heights to headers; `roots` are certificates in DER that the
 * verifier trusts. Resolves to what each token states.
 */
export async function checkTimeStamps({ checkpoints, stamps }, chainId, blocks, roots) {
  checkpoints.forEach((checkpoint, i) => {
    checkCheckpoint(checkpoint);
    demand(i === 0 || compareCheckpoints(checkpoints[i - 1], checkpoint) < 0, 'the checkpoints do not ascend');
  });
  const heights = checkpoints.map(() => []);
  const expected = checkpoints.map(() => null);
  const stamped = new Set();
  let last = null;
  for (const stamp of stamps) {
    demand(
      last === null ||
        last.checkpoint < stamp.checkpoint ||
        (last.checkpoint === stamp.checkpoint && last.height < stamp.height),
      'the stamps do not ascend',
    );
    last = stamp;
    const checkpoint = checkpoints[stamp.checkpoint];
    demand(checkpoint !== undefined, 'a stamp names a checkpoint that is not there');
    const { first, authority } = checkpoint;
    demand(
      first <= stamp.height && stamp.height <= checkpoint.last,
      "a stamp's block is not of its checkpoint",
    );
    const header = blocks.get(stamp.height);
    demand(header !== undefined, "a stamp's block is not in the file");
    const once = `${stamp.height} ${authority}`;
    demand(!stamped.has(once), 'two checkpoints of one authority stamp the same block');
    stamped.add(once);
    const root = checkpointRoot(
      chainId,
      first,
      checkpoint.last,
      stamp.height,
      header.id,
      header.validators_hash,
      stamp.siblings,
    );
    const before = expected[stamp.checkpoint];
    demand(before === null || equal(before, root), 'the stamps of a checkpoint lead to different roots');
    expected[stamp.checkpoint] = root;
    heights[stamp.checkpoint].push(stamp.height);
  }
  const found = [];
  for (const [i, checkpoint] of checkpoints.entries()) {
    const { first, last: end, authority, token, certificates } = checkpoint;
    demand(expected[i] !== null, 'a checkpoint has no stamp');
    const imprint = sha256(checkpointDocument(chainId, first, end, expected[i], authority));
    const stated = await checkToken(token, certificates, imprint);
    found.push({
      ...stated,
      authority,
      first,
      last: end,
      heights: heights[i],
      rootFingerprint: hex(sha256(stated.root)),
      trusted: roots.some((root) => equal(root, stated.root)),
    });
  }
  return found;
}
