// What an examination found, in English and Chinese. The Chinese terms are those of the printed report.

const iso = (ms) => {
  // Dates end where JavaScript's do; later ones are shown as milliseconds.
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString().replace('.000Z', 'Z');
};
const list = (values) => values.join(', ');
const listed = (values) => values.join('、');

const accuracy = {
  en: (ms) => (ms === null ? 'accuracy not stated' : `accuracy ${ms} ms`),
  zh: (ms) => (ms === null ? '未声明精度' : `精度 ${ms} 毫秒`),
};

const remark = (discrepancy) => (discrepancy === null ? '' : ` (${discrepancy})`);

// By the numbers of the enum Basis.
const BASES_EN = {
  1: 'by its own word alone: one-sided, nobody confirmed it',
  2: 'by its GS1 company prefix',
  3: 'by a handover',
};
const BASES_ZH = { 1: '仅依其单方陈述，无人确认', 2: '依其 GS1 厂商识别代码', 3: '经双方交接' };

export const STATUSES_ZH = {
  open: '待答复',
  void: '已失效',
  accepted: '已接受',
  'accepted-with-discrepancy': '已接受，有差异',
  rejected: '已拒绝',
  withdrawn: '已撤回',
};

const noLaterThan = ({ genTime, accuracy: ms }) => iso(genTime + (ms ?? 0n));

export const FINDINGS = {
  whole: {
    en: () => 'whole, and canonically encoded',
    zh: () => '完整，且编码规范',
  },
  compareChain: {
    en: ({ chainId }) =>
      `no trusted genesis was given: everything below holds for the chain ${chainId}, which must be ` +
      'compared with the chain id that the consortium publishes',
    zh: ({ chainId }) => `未提供受信的创世文件：以下各项均就链 ${chainId} 而言，须与联盟公布的链标识核对`,
  },
  trustedChain: {
    en: ({ chainId }) => `of the trusted chain ${chainId}`,
    zh: ({ chainId }) => `属于可信的链 ${chainId}`,
  },
  genesisValidators: {
    en: () => 'the validators are those of genesis',
    zh: () => '验证节点即创世文件所列',
  },
  validatorChanges: {
    en: ({ count }) => `changes of the validators: ${count}, each decided by the set before it`,
    zh: ({ count }) => `验证节点变更 ${count} 次，均由变更前的节点集作出`,
  },
  anchor: {
    en: ({ id, height, signed, total }) =>
      `block ${id} at height ${height}, signed by ${signed} of ${total} validators ` +
      'with more than 2/3 of the voting power',
    zh: ({ id, height, signed, total }) =>
      `高度 ${height} 的区块 ${id}，由 ${total} 个验证节点中的 ${signed} 个签署，` + '表决权超过三分之二',
  },
  state: {
    en: ({ count }) => `values proven under the anchor's state root: ${count}`,
    zh: ({ count }) => `在锚定区块状态根下得到证明的值：${count} 个`,
  },
  blocks: {
    en: ({ count }) => `blocks of the chain, each with its certificate: ${count}`,
    zh: ({ count }) => `本链区块 ${count} 个，均有证书`,
  },
  transactions: {
    en: ({ count }) => `transactions in their blocks, exact bytes, signatures hold: ${count}`,
    zh: ({ count }) => `交易 ${count} 笔，在区块中的位置、原始字节与签名均成立`,
  },
  itemComplete: {
    en: ({ own, shared, height }) =>
      `events of its own: ${own}, of its containers while it was in them: ${shared}; none ` +
      `is missing up to height ${height}`,
    zh: ({ own, shared, height }) =>
      `自身事件 ${own} 项，在容器内期间容器的事件 ${shared} 项；截至高度 ${height} 无一遗漏`,
  },
  nothingRecorded: {
    en: ({ height }) => `nothing was recorded for it up to height ${height}`,
    zh: ({ height }) => `截至高度 ${height}，没有关于它的任何记录`,
  },
  depositAgrees: {
    en: () => "the deposit's record and its transaction agree",
    zh: () => '存证记录与其交易一致',
  },
  depositCompared: {
    en: ({ pictures, searched, found }) =>
      `the deposit's record and its transaction agree; pictures compared with all ${searched} published before: ` +
      `${pictures}; look-alikes: ${found}`,
    zh: ({ pictures, searched, found }) =>
      `存证记录与其交易一致；与此前公布的全部 ${searched} 幅图片比对的图片 ${pictures} 幅，相似图片 ${found} 幅`,
  },
  notDeposited: {
    en: ({ height }) => `nothing was deposited up to height ${height}`,
    zh: ({ height }) => `截至高度 ${height}，没有这一存证`,
  },
  keys: {
    en: ({ count }) =>
      'every signing key belonged to the organisation named and was valid at its height ' +
      `(signatures: ${count})`,
    zh: ({ count }) => `每个签名密钥均属于所称机构且在该高度有效；签名 ${count} 个`,
  },
  doubtfulKey: {
    en: ({ key, organisation, since, height, index }) =>
      `DOUBTFUL: key ${key} of ${organisation} was reported ` +
      `compromised from ${iso(since)} on, and signed transaction ${index} of block ${height} after that: ` +
      'somebody else may have',
    zh: ({ key, organisation, since, height, index }) =>
      `存疑：${organisation} 报告密钥 ${key} 自 ${iso(since)} 起可能泄露，` +
      `此后该密钥签署了区块 ${height} 的交易 ${index}：可能由他人签署`,
  },
  contestedKey: {
    en: ({ key, organisation, since, height, index }) =>
      `CONTESTED: key ${key} of ${organisation} was reported compromised from ${iso(since)} on, by a key that may be ` +
      `a thief's; it signed transaction ${index} of block ${height} after that, and the consortium hasn't decided`,
    zh: ({ key, organisation, since, height, index }) =>
      `有争议：${organisation} 的密钥 ${key} 据报自 ${iso(since)} 起可能泄露，而报告所用密钥可能属于盗用者；` +
      `此后该密钥签署了区块 ${height} 的交易 ${index}，联盟尚未裁定`,
  },
  chainTime: {
    en: ({ precision, delay }) =>
      "chain time: a block's time is that of its proposer's clock, which validators with " +
      'more than 2/3 of the voting power compared with theirs when they first saw it: ' +
      `precision ${precision} ms, message delay ${delay} ms`,
    zh: ({ precision, delay }) =>
      '链上时间：区块时间为提议节点的时钟时间，超过三分之二表决权的验证节点在首次收到时与其' +
      `时钟核对：时钟精度 ${precision} 毫秒，消息延迟 ${delay} 毫秒`,
  },
  recorded: {
    en: ({ from, to, error }) =>
      `recorded from ${iso(from)} to ${iso(to)}, each ± ${error} ms where the block was decided ` +
      'in its first round; each later round of the votes allows for a message delay a tenth longer',
    zh: ({ from, to, error }) =>
      `记录于 ${iso(from)} 至 ${iso(to)}，区块在首轮决定的，误差为 ± ${error} 毫秒；` +
      '此后每多一轮表决，容许的消息延迟增加十分之一',
  },
  chainTimeOnly: {
    en: () => 'chain time only: the file carries no token of a time-stamp authority',
    zh: () => '仅有链上时间：文件没有时间戳机构的令牌',
  },
  nothingToStamp: {
    en: () => 'no block holds anything of the subject that could be stamped',
    zh: () => '没有区块含有可加盖时间戳的内容',
  },
  stamp: {
    en: (stamp) =>
      `${stamp.signer} stamped blocks ${stamp.first} to ${stamp.last} at ${iso(stamp.genTime)} ` +
      `(${accuracy.en(stamp.accuracy)}; serial number ${stamp.serial}, policy ${stamp.policy}, asked at ` +
      `${stamp.authority}): blocks ${list(stamp.heights)} of the record existed no later than ${noLaterThan(stamp)}`,
    zh: (stamp) =>
      `${stamp.signer} 于 ${iso(stamp.genTime)} 为区块 ${stamp.first} 至 ${stamp.last} 加盖时间戳（` +
      `${accuracy.zh(stamp.accuracy)}；序列号 ${stamp.serial}，策略 ${stamp.policy}，服务地址 ${stamp.authority}）：` +
      `记录所在的区块 ${listed(stamp.heights)} 不晚于 ${noLaterThan(stamp)} 存在`,
  },
  untrustedStamps: {
    en: ({ heights, roots }) =>
      `no trusted authority stamped the blocks ${list(heights)}: compare the SHA-256 of the ` +
      `root certificate with the one that the authority publishes: ${list(roots)}`,
    zh: ({ heights, roots }) =>
      `区块 ${listed(heights)} 没有受信机构的时间戳：须将根证书的 SHA-256 与该机构公布的核对：` + listed(roots),
  },
  earlyStamp: {
    en: ({ authority, heights }) =>
      `the time stamp of ${authority} is earlier than the time of the blocks ` +
      `${list(heights)}: one of the clocks was wrong by more than its owner states`,
    zh: ({ authority, heights }) =>
      `${authority} 的时间戳早于区块 ${listed(heights)} 的时间：` + '其中一个时钟的误差超过其所有者的声明',
  },
  unstamped: {
    en: ({ heights }) => `blocks with chain time only: ${list(heights)}`,
    zh: ({ heights }) => `仅有链上时间的区块：${listed(heights)}`,
  },
  independent: {
    en: ({ count }) => `none of the ${count} validators belongs to an organisation that signed here`,
    zh: ({ count }) => `${count} 个验证节点均不属于签署本记录的机构`,
  },
  parties: {
    en: ({ organisations, power, total }) =>
      `organisations that signed here run validators themselves (${list(organisations)}), ` +
      `with ${power} of ${total} voting power`,
    zh: ({ organisations, power, total }) =>
      `签署本记录的机构自行运行验证节点（${listed(organisations)}），` + `表决权占 ${total} 中的 ${power}`,
  },
  noCommitment: {
    en: () => 'there is no commitment to open',
    zh: () => '没有需开启的承诺值',
  },
  closed: {
    en: () => 'nothing opens the commitment: what was deposited does not show',
    zh: () => '没有开启承诺值的材料：存证的内容未显示',
  },
  opened: {
    en: ({ count }) =>
      `salt and files open the commitment (files: ${count}); names and an undisclosed title are the ` +
      "holder's word",
    zh: ({ count }) => `盐值与文件指纹开启承诺值（文件 ${count} 个）；文件名和未公开的名称为持有人所述`,
  },
  openedWithFields: {
    en: ({ count, fields }) =>
      `salt, files, views and the digests of fields open the commitment (files: ${count}); the fields that are ` +
      `shown (${fields}) were deposited so, others stay closed`,
    zh: ({ count, fields }) =>
      `盐值、文件指纹、视图与字段摘要开启承诺值（文件 ${count} 个）；所示字段（${fields} 项）即存证时所载，其余保持封闭`,
  },
  draftsElsewhere: {
    en: ({ count }) => `the deposit covers the head of ${count} drafts; they are not in the file`,
    zh: ({ count }) => `存证涵盖 ${count} 份草稿的链末端；草稿不在此文件中`,
  },
  drafted: {
    en: ({ count, first, last, known, files }) =>
      `before the deposit: ${count} drafts, none missing; the last one's head is what was deposited; by the ` +
      `designer's own clock, which nothing proves, from ${iso(first)} to ${iso(last)}; files of the deposit that ` +
      `are in a draft: ${known} of ${files}`,
    zh: ({ count, first, last, known, files }) =>
      `存证之前：草稿 ${count} 份，无缺失；末份的链末端即所存证者；时间为设计人自己的时钟所示，未经证明，` +
      `自 ${iso(first)} 至 ${iso(last)}；存证文件见于草稿者 ${known} / ${files}`,
  },
  draftSetBack: {
    en: ({ number }) =>
      `draft ${number} says an earlier time than the one before it: the designer's clock was set back`,
    zh: ({ number }) => `草稿 ${number} 所示时间早于前一份：设计人的时钟曾被回拨`,
  },
  draftLate: {
    en: ({ number }) =>
      `draft ${number} says a time after the deposit, which holds it: the designer's clock was ahead`,
    zh: ({ number }) => `草稿 ${number} 所示时间晚于涵盖它的存证：设计人的时钟偏快`,
  },
  disclosed: {
    en: ({ count }) => `the commitment was opened in public, on the ledger, by its owner (files: ${count})`,
    zh: ({ count }) => `存证人已在账本上公开开启承诺值（文件 ${count} 个）`,
  },
  noRight: {
    en: () => 'there is no right here that a dispute could be about',
    zh: () => '此处没有可供争议的权利',
  },
  noDisputes: {
    en: () => 'not in the file: it does not tell whether there were disputes',
    zh: () => '文件不含此项：未载明是否有争议',
  },
  beside: {
    en: (d) =>
      `shown beside them: checks ${d.checks}, hand-overs ${d.handovers}, sanctions ${d.sanctions}, parties with ` +
      `their sanctions ${d.parties}; each agrees with the rules`,
    zh: (d) =>
      `另载明：检查 ${d.checks} 项，移送 ${d.handovers} 次，处分 ${d.sanctions} 项，当事方的处分 ${d.parties} 方；` +
      '均与规则相符',
  },
  disputes: {
    en: (d) =>
      `notices under this right: ${d.notices}, of them open ${d.open}; upheld ${d.upheld}, by a panel ` +
      `${d.panel_upheld}; dismissed ${d.dismissed}, by a panel ${d.panel_dismissed}, by a centre ` +
      `${d.centre_dismissed}; false notices ${d.false_notices}; disputes shown: ${d.shown}; panels drawn again and ` +
      `their votes counted again: ${d.drawn}`,
    zh: (d) =>
      `此权利下的通知 ${d.notices} 件，进行中 ${d.open}；支持 ${d.upheld}，评审组支持 ${d.panel_upheld}；` +
      `驳回 ${d.dismissed}，评审组驳回 ${d.panel_dismissed}，维权援助中心认为不侵权 ${d.centre_dismissed}；错误通知 ${d.false_notices}；` +
      `文件所示争议 ${d.shown} 件；重新抽选并重新计票的评审组 ${d.drawn} 个`,
  },
  nothingAsked: {
    en: () => 'nothing is asked about who may do what with it',
    zh: () => '未询问何人可对其实施何种行为',
  },
  answers: {
    en: ({ yes, no, untold }) =>
      `who may do what with it, asked again of the records: yes ${yes}, no ${no}, not told ${untold}`,
    zh: ({ yes, no, untold }) => `何人可对其实施何种行为，依记录重新判定：可 ${yes}，不可 ${no}，未载明 ${untold}`,
  },
  notAnItem: {
    en: () => 'for items alone',
    zh: () => '仅适用于物品',
  },
  noCustody: {
    en: () => 'nothing is recorded',
    zh: () => '没有任何记录',
  },
  firstVersion: {
    en: () => 'not in the file, which is of the first version',
    zh: () => '文件为第一版，不含此项',
  },
  noHolder: {
    en: () => 'nobody is recorded as holder',
    zh: () => '没有记录占有人',
  },
  holder: {
    en: ({ holder, basis, since, discrepancy }) =>
      `held by ${holder}, ${BASES_EN[basis] ?? BASES_EN[1]}, since block ${since.height}` +
      (discrepancy === '' ? '' : `; discrepancy stated then: ${discrepancy}`),
    zh: ({ holder, basis, since, discrepancy }) =>
      `由 ${holder} 占有，${BASES_ZH[basis] ?? BASES_ZH[1]}，自区块 ${since.height} 起` +
      (discrepancy === '' ? '' : `；当时所述差异：${discrepancy}`),
  },
  claim: {
    en: ({ item, organisation, reason, since }) =>
      `${organisation} claims ${item} since block ${since.height}: ${reason}`,
    zh: ({ item, organisation, reason, since }) =>
      `${organisation} 自区块 ${since.height} 起主张占有 ${item}：${reason}`,
  },
  displaced: {
    en: ({ item, organisation }) => `${organisation} had ${item} by its own word before a claim displaced it`,
    zh: ({ item, organisation }) => `${organisation} 此前以单方陈述占有 ${item}，后被他方主张取代`,
  },
  noHandovers: {
    en: () => 'no offers, answers or claims in this history',
    zh: () => '此记录中没有交付要约、答复或主张',
  },
  statement: {
    en: ({ transaction, offer, answer, claim }) => {
      const { height, index, organisation } = transaction;
      const who = `block ${height}, transaction ${index}: ${organisation}`;
      if (offer) {
        return (
          `${who} offers to ${offer.to}, answer until ${iso(offer.deadline_ms)}: ` +
          `${offer.status ?? 'what became of it is not in the file'}${remark(offer.discrepancy)}`
        );
      }
      return answer
        ? `${who} answers: ${answer.status}${remark(answer.discrepancy)}`
        : `${who} claims: ${claim.reason}`;
    },
    zh: ({ transaction, offer, answer, claim }) => {
      const { height, index, organisation } = transaction;
      const who = `区块 ${height} 交易 ${index}：${organisation}`;
      if (offer) {
        return (
          `${who} 向 ${offer.to} 发出交付要约，答复期限 ${iso(offer.deadline_ms)}：` +
          `${offer.status === null ? '文件未载明结果' : STATUSES_ZH[offer.status]}${remark(offer.discrepancy)}`
        );
      }
      return answer
        ? `${who} 答复：${STATUSES_ZH[answer.status]}${remark(answer.discrepancy)}`
        : `${who} 主张占有：${claim.reason}`;
    },
  },
  refused: {
    en: ({ reason }) => reason,
    zh: ({ reason }) => reason,
  },
  notChecked: {
    en: () => 'not checked, as an element before it failed',
    zh: () => '因前面的要素不通过，未核验',
  },
};

/** The text of a finding `[name, values]`. */
export const say = ([name, values = {}], language = 'en') => FINDINGS[name][language](values);
