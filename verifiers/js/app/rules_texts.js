// Each code of the rules: a sentence and an advice, in English and Chinese. `v` are the finding's values; names and
// times come ready to be shown.

const ASK_SELLER = [
  'Ask the seller where it is from, and the maker whether it is theirs.',
  '请向卖方询问来源，并向生产者核实。',
];
const DONT_USE = ['Do not use it. Ask the seller or the maker.', '请勿使用，并联系卖方或生产者。'];
const DONT_BUY = ['Do not buy it as new, and tell the maker.', '请勿作为新品购买，并告知生产者。'];
const TRY_AGAIN = ['Try again in a moment, or ask another member of the consortium.', '请稍后再试，或改用联盟其他成员的网址。'];
const ASK_OTHER = [
  'Do not rely on this server. Ask another member of the consortium for the same code.',
  '请勿依赖该服务器，请用联盟其他成员的网址查询同一编码。',
];
const WEIGH = ['Decide whether this matters to you; the details below say more.', '请斟酌此事项是否要紧，详情见下。'];
const NOTHING_TO_DO = ['There is nothing that you must do.', '无须采取措施。'];

const text = (en, zh, advice) => ({ en, zh, advice });

export const RULE_TEXTS = {
  // Nothing could be checked.
  'bad-code': text(
    () => 'This address holds no code of a thing that can be looked up.',
    () => '该网址不含可查询的物品编码。',
    ['Scan the code again, or type it in on the first page.', '请重新扫码，或在首页输入编码。'],
  ),
  'kind-of-product': text(
    () => 'This code names a kind of product and no thing of it, and nothing is recorded under it.',
    () => '该编码所指为产品品类，而非其中一件，且没有任何记录。',
    [
      'Scan a code with a serial number or a lot, or type in what is printed beside it: (01)…(21)…',
      '请扫描带序列号或批号的编码，或输入编码旁印刷的 (01)…(21)…',
    ],
  ),
  'no-answer': text(
    (v) => `The server does not answer${v.reason ? `: ${v.reason}` : ''}.`,
    (v) => `服务器没有应答${v.reason ? `：${v.reason}` : ''}。`,
    TRY_AGAIN,
  ),
  'server-refuses': text(
    (v) => `The server answers with an error (${v.status})${v.reason ? `: ${v.reason}` : ''}.`,
    (v) => `服务器返回错误（${v.status}）${v.reason ? `：${v.reason}` : ''}。`,
    TRY_AGAIN,
  ),
  'too-large': text(
    () => 'The record is larger than this page takes.',
    () => '记录过大，本页面无法核验。',
    ['Have it checked by `touchstone verify` on a computer.', '请在计算机上用 touchstone verify 核验。'],
  ),
  'answer-invalid': text(
    (v) => `The server's answer does not hold (${v.element}): it was changed, or the server is wrong.`,
    (v) => `服务器的应答不成立（${v.element}）：内容被更改，或服务器有误。`,
    ASK_OTHER,
  ),
  'other-item': text(
    (v) => `The server answered about another thing: ${v.item}.`,
    (v) => `服务器答复的是另一物品：${v.item}。`,
    ASK_OTHER,
  ),
  'other-chain': text(
    () => 'This server shows another chain than the one that you trusted before.',
    () => '该服务器展示的链与您此前信任的链不同。',
    [
      'Do not rely on it. Unless the consortium announced a new chain, somebody imitates it.',
      '请勿依赖。除非联盟公布了新链，否则可能有人冒充。',
    ],
  ),
  // Suspect.
  unknown: text(
    () => 'Nothing is recorded under this code, and that is proven: its maker never registered it here.',
    () => '该编码没有任何记录（已得到证明）：生产者未曾在此登记。',
    ASK_SELLER,
  ),
  'not-commissioned': text(
    () => 'Nobody recorded that this thing was made.',
    () => '没有任何机构记录该物品的生产。',
    ASK_SELLER,
  ),
  'not-by-owner': text(
    (v) => `${v.organisation} recorded its making, and the code's company prefix is not registered with it.`,
    (v) => `其生产由 ${v.organisation} 记录，而编码的厂商识别代码并非登记在该机构名下。`,
    ASK_SELLER,
  ),
  'ended-sold': text(
    (v) => `It was sold${v.when ? ` on ${v.when}` : ''}, by the record.`,
    (v) => `记录显示已售出${v.when ? `（${v.when}）` : ''}。`,
    [
      'If you bought it then, that is you. If it is offered to you as new now, be suspicious.',
      '如您当时购买，属正常；如现在作为新品出售，请警惕。',
    ],
  ),
  opened: text(
    (v) => `The code under its cover was used before: ${v.organisation} recorded that on ${v.when}.`,
    (v) => `涂层下的验证码此前已被使用：${v.organisation} 于 ${v.when} 记录。`,
    ['If you had it opened then, that is you. If not, be suspicious, and ask the seller.', '如系您当时刮开，即为您本人；否则请提高警惕，并询问卖方。'],
  ),
  'ended-consumed': text(
    () => 'By the record it was used up: something else was made of it.',
    () => '记录显示其已消耗，用于制造他物。',
    DONT_BUY,
  ),
  'ended-destroyed': text(() => 'By the record it was destroyed.', () => '记录显示其已销毁。', DONT_BUY),
  'ended-decommissioned': text(
    () => 'Its code was taken out of use: no thing should bear it any more.',
    () => '该编码已注销，不应再有物品使用。',
    DONT_BUY,
  ),
  recalled: text(
    (v) => `${v.organisation} recalled ${v.lot ? 'its lot' : 'it'}${v.when ? ` on ${v.when}` : ''}.`,
    (v) => `${v.organisation} ${v.when ? `于 ${v.when} ` : ''}召回了${v.lot ? '其所属批次' : '该物品'}。`,
    ['Do not use it. Give it back to the seller.', '请勿使用，并退回卖方。'],
  ),
  stolen: text(
    (v) => `${v.organisation} recorded that it was stolen.`,
    (v) => `${v.organisation} 记录其被盗。`,
    ['Do not buy it, and tell the maker.', '请勿购买，并告知生产者。'],
  ),
  'lot-differs': text(
    (v) => `The lot printed is ${v.printed}, and the one recorded is ${v.recorded}.`,
    (v) => `印刷批号为 ${v.printed}，记录批号为 ${v.recorded}。`,
    ASK_SELLER,
  ),
  'expiry-differs': text(
    (v) => `The expiry date printed is ${v.printed}, and the one recorded is ${v.recorded}.`,
    (v) => `印刷有效期为 ${v.printed}，记录有效期为 ${v.recorded}。`,
    DONT_USE,
  ),
  expired: text((v) => `It expired on ${v.last}.`, (v) => `已于 ${v.last} 过期。`, DONT_USE),
  'scan-impossible-travel': text(
    () => 'This code was scanned in places between which no thing could have travelled in time: there may be copies.',
    () => '该编码的扫描地点相距过远，同一物品不可能及时到达：可能存在复制品。',
    ASK_SELLER,
  ),
  'scan-many-places': text(
    () => 'This code was scanned in more places than one thing comes to: there may be copies.',
    () => '该编码的扫描地点过多，单件物品难以到达：可能存在复制品。',
    ASK_SELLER,
  ),
  'scan-many-visitors': text(
    () => 'This code was scanned by many people far apart: there may be copies.',
    () => '该编码被多地众多人扫描：可能存在复制品。',
    ASK_SELLER,
  ),
  // Reservations.
  'not-one-thing': text(
    () => 'This code names a product or a lot, not one thing: it cannot tell yours from another.',
    () => '该编码代表一种产品或一个批次，而非单件物品，无法区分具体物品。',
    ['Look for a code with a serial number.', '请查找带序列号的编码。'],
  ),
  'non-conformant': text(
    (v) => `${v.organisation} found that it does not conform.`,
    (v) => `${v.organisation} 认定其不合格。`,
    DONT_USE,
  ),
  damaged: text((v) => `${v.organisation} recorded damage.`, (v) => `${v.organisation} 记录其受损。`, WEIGH),
  'needs-replacement': text(
    (v) => `${v.organisation} recorded that it needs replacement.`,
    (v) => `${v.organisation} 记录其需要更换。`,
    WEIGH,
  ),
  'mismatch-instance': text(
    (v) => `${v.organisation} recorded that it is not the thing that was expected.`,
    (v) => `${v.organisation} 记录其与应有物品不符。`,
    ASK_SELLER,
  ),
  'expiry-unreadable': text(
    (v) => `The expiry date printed, ${v.printed}, is no date.`,
    (v) => `印刷有效期 ${v.printed} 不是日期。`,
    ASK_SELLER,
  ),
  'proof-keys': text(
    () => 'A key that signed was reported compromised: somebody else may have signed.',
    () => '签名密钥曾被报告泄露，可能由他人签署。',
    WEIGH,
  ),
  'proof-custody': text(
    () => 'More than one organisation says that it has the thing.',
    () => '不止一个机构主张占有该物品。',
    WEIGH,
  ),
  'proof-handovers': text(
    () => 'A handover had a discrepancy, or somebody claimed the thing.',
    () => '交接存在差异，或有机构主张占有。',
    WEIGH,
  ),
  'proof-time-stamps': text(
    () => 'An outside time stamp contradicts the time of the record.',
    () => '外部时间戳与记录时间相矛盾。',
    WEIGH,
  ),
  'proof-time-stamp-roots': text(
    () => 'The outside time stamps are by authorities that this page does not know.',
    () => '外部时间戳来自本页面未知的机构。',
    NOTHING_TO_DO,
  ),
  'proof-independence': text(
    () => 'Those who signed its record also hold a third or more of the voting power over the ledger.',
    () => '签署其记录的机构也掌握账本三分之一或以上的表决权。',
    NOTHING_TO_DO,
  ),
  'lot-no-answer': text(
    () => "Whether its lot was recalled could not be looked up: the server's answer is missing, old or does not hold.",
    () => '其批次是否被召回未能查询：服务器没有应答，或应答过时、不成立。',
    ASK_OTHER,
  ),
  'opening-no-answer': text(
    () => "Whether the code under its cover was used could not be looked up: the server's answer is missing, old or does not hold.",
    () => '涂层下的验证码是否已被使用未能查询：服务器没有应答，或应答过时、不成立。',
    ASK_OTHER,
  ),
  'chain-not-compared': text(
    () => 'You have not yet compared this ledger with the one that you know: see below.',
    () => '尚未确认该账本是否为您所信任的账本，见下。',
    [
      'Compare the words below once with those that the consortium publishes.',
      '请将下列词语与联盟公布的核对一次。',
    ],
  ),
  behind: text(
    (v) => `This server lags, or hides newer blocks: another member is ${v.minutes} minutes ahead. Shown is the newer answer.`,
    (v) => `该服务器落后或隐瞒较新的区块：另一成员领先 ${v.minutes} 分钟。所示为较新的答复。`,
    ASK_OTHER,
  ),
  stale: text(
    (v) => `The answer is as of ${v.when}: what happened since isn't in it. If your clock is right, the server lags.`,
    (v) => `答复截至 ${v.when}，此后的情况不在其中。如您的时钟准确，则服务器落后。`,
    TRY_AGAIN,
  ),
  'second-refused': text(
    (v) => `A second member, ${v.name}, gave an answer that does not hold.`,
    (v) => `第二成员 ${v.name} 的答复不成立。`,
    WEIGH,
  ),
  // Notes.
  'one-server': text(
    () => 'Only one server was asked: it could hold back the newest blocks for a while.',
    () => '仅询问了一台服务器：它可能暂时隐瞒最新的区块。',
    NOTHING_TO_DO,
  ),
  'second-silent': text(
    (v) => `A second member, ${v.name}, did not answer: this server could hold back the newest blocks.`,
    (v) => `第二成员 ${v.name} 没有应答：该服务器可能隐瞒最新的区块。`,
    NOTHING_TO_DO,
  ),
};

/** The sentence and the advice of a finding. */
export function sayFinding({ code, values }, language) {
  const entry = RULE_TEXTS[code];
  return { sentence: entry[language](values), advice: entry.advice[language === 'zh' ? 1 : 0] };
}
