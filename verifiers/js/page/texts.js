// The page's own words, in English and Chinese. Names of elements, questions and sections are those of the printed
// report.

export const SECTIONS = [
  {
    article: 16,
    en: "Untampered since the deposit (People's Courts Online Litigation Rules, Art. 16)",
    zh: '一、上链后未经篡改（《人民法院在线诉讼规则》第十六条）',
  },
  { article: 17, en: 'Platform, parties and system (Art. 17)', zh: '二、平台、当事人与系统（第十七条）' },
  { article: 18, en: 'Before the deposit (Art. 18)', zh: '三、上链前（第十八条）' },
];

/** Of each element: its name, and what it asks. */
export const ELEMENTS = {
  file: {
    en: ['File', 'Is the file whole, in the one form that it may have?'],
    zh: ['文件', '文件是否完整、编码是否规范'],
  },
  genesis: {
    en: ['Genesis', 'Is the chain the one that a trusted place publishes?'],
    zh: ['创世文件', '信任之根：链标识是否为可信来源公布的链标识'],
  },
  validators: {
    en: ['Validators', 'Was each change of the validators decided by those before it?'],
    zh: ['验证节点', '自创世起，每次验证节点变更是否均由变更前的节点集作出'],
  },
  anchor: {
    en: ['Anchor', "Did more than two thirds of the voting power sign the last block's header?"],
    zh: ['锚定区块', '区块头是否由超过三分之二的表决权签署'],
  },
  state: {
    en: ['State', 'Is each value proven under that header?'],
    zh: ['账本状态', '所载各值是否在该区块头的状态根下得到证明'],
  },
  blocks: {
    en: ['Blocks', "Do the record's blocks belong to the chain?"],
    zh: ['区块', '记录所在的区块是否属于本链'],
  },
  transactions: {
    en: ['Transactions', 'Are the transactions in these blocks, with these exact bytes and signatures?'],
    zh: ['交易', '交易在区块中的位置、原始字节与签名是否成立'],
  },
  completeness: {
    en: ['Completeness', 'Is nothing missing, and nothing added?'],
    zh: ['完整性', '记录是否无遗漏、无增删'],
  },
  keys: {
    en: ['Keys', 'Did the signing keys belong to the organisations, and were they valid then?'],
    zh: ['密钥', '签名密钥是否属于所称机构且当时有效'],
  },
  custody: {
    en: ['Custody', 'Who has the item, on whose word, and who says otherwise?'],
    zh: ['占有', '物品由谁占有、依据谁的陈述、谁有不同陈述'],
  },
  handovers: {
    en: ['Handovers', 'What was offered, accepted, rejected and claimed?'],
    zh: ['交接', '何时提出交付、接受、拒绝与主张'],
  },
  time: {
    en: ['Time', 'When was it recorded, within which error?'],
    zh: ['时间', '上链时间及其误差'],
  },
  'time-stamps': {
    en: ['Time stamps', 'Do independent time-stamp authorities (RFC 3161) bound the time?'],
    zh: ['时间戳', '独立时间戳机构（RFC 3161）是否证明记录所在区块不晚于某时存在'],
  },
  independence: {
    en: ['Independence', 'Do organisations that signed the record run validators themselves?'],
    zh: ['独立性', '签署记录的机构自身是否运行验证节点'],
  },
  opening: {
    en: ['Opening', 'Which files is the commitment to?'],
    zh: ['承诺的开启', '承诺值对应哪些文件'],
  },
  disputes: {
    en: ['Disputes', 'How did disputes about the right go, and did nobody choose a panel of jurors?'],
    zh: ['争议', '该权利的争议结果如何，评审组是否无人可选定'],
  },
  authorisations: {
    en: ['Authorisations', 'May those who are asked about do what is asked with the design?'],
    zh: ['授权', '所询问者可否对该设计实施所询问的行为'],
  },
};

export const RESULTS = {
  passed: { en: 'passed', zh: '通过' },
  reservation: { en: 'reservation', zh: '保留' },
  failed: { en: 'failed', zh: '不通过' },
  'not-given': { en: 'not given', zh: '未提供' },
  'not-checked': { en: 'not checked', zh: '未核验' },
};

export const VERDICTS = {
  verified: {
    en: () => 'Verified: every element of the record holds.',
    zh: () => '核验通过，记录各项均成立。',
  },
  'verified-with-reservations': {
    en: (names) =>
      'Verified, with reservations: every element of the record holds; these leave a question to weigh: ' +
      `${names.join(', ')}.`,
    zh: (names) => `核验通过，记录各项均成立，但有须斟酌的保留事项：${names.join('、')}。`,
  },
  'not-verified': {
    en: (names) => `Not verified: ${names.join(', ')}. This file proves nothing.`,
    zh: (names) => `核验不通过：${names.join('、')}。本文件不能证明任何事项。`,
  },
};

/** Single texts: English, Chinese. */
export const TEXTS = {
  title: ['Touchstone: examination of an evidence file', 'Touchstone 存证核验'],
  heading: ['Examination of an evidence file', '存证核验'],
  other: ['中文', 'English'],
  promise: [
    'This page works on this device alone and sends nothing. It is as trustworthy as the place you have it from: ' +
      'compare its SHA-256 with the published one.',
    '本页面仅在本机运行，不发送任何数据。本页面的可信程度取决于其来源：请将其 SHA-256 与公布的值核对。',
  ],
  filesHeading: ['Evidence file and originals', '证据文件与原件'],
  filesLabel: [
    'Choose the evidence file and, if you have them, the original files',
    '选择证据文件，以及（如有）原件',
  ],
  chooseFile: ['Choose a file…', '选择文件…'],
  chooseFiles: ['Choose files…', '选择文件…'],
  noneChosen: ['none chosen', '未选择'],
  drop: ['… or drop them anywhere on this page.', '……或将其拖放到本页面任意位置。'],
  trustHeading: ['What you trust', '可信来源'],
  trustNote: [
    'Take these from a trusted place, never from whoever handed you the evidence file.',
    '请从可信来源取得以下内容，切勿取自提交证据文件的一方。',
  ],
  chainLabel: ['Chain id (64 hexadecimal digits)', '链标识（64 位十六进制数字）'],
  genesisLabel: ['… or the genesis document (genesis.json)', '……或创世文件（genesis.json）'],
  rootsLabel: ['Root certificates of time-stamp authorities (PEM or DER)', '时间戳机构的根证书（PEM 或 DER）'],
  print: ['Print', '打印'],
  clear: ['Clear', '清除'],
  nothing: ['No evidence file yet.', '尚未选择证据文件。'],
  working: ['Examining …', '正在核验……'],
  noEvidence: [
    'None of these files is an evidence file of this version. Choose one too.',
    '所选文件中没有本版本的证据文件，请一并选择。',
  ],
  badChain: ['A chain id has 64 hexadecimal digits.', '链标识为 64 位十六进制数字。'],
  badGenesis: ['That file is no genesis document.', '该文件不是创世文件。'],
  badRoots: ['That file holds no certificate in PEM or DER.', '该文件不含 PEM 或 DER 格式的证书。'],
  bothChains: ['The genesis document is not that of the chain id.', '创世文件与链标识不符。'],
  unreadable: ["A file can't be read: ", '文件无法读取：'],
  fault: ['This page failed, which says nothing about the file: ', '本页面出错，与证据文件的真伪无关：'],
  evidenceFile: ['Evidence file', '证据文件'],
  originalsGiven: ['Exhibits, judged apart from the record', '提交的文件（与记录分别认定）'],
  examination: ['The examination', '核验'],
  proven: ['What is proven', '所证明的事实'],
  chain: ['Chain', '链'],
  asOf: ['As of', '截至'],
  blockHeight: ['block height', '区块高度'],
  item: ['Item', '物品'],
  events: ['Events', '事件'],
  noOthers: ['there are no others', '此外别无记录'],
  insideNow: ['Inside, by its history', '依其经过所处容器'],
  custody: ['Holder', '占有人'],
  onOffer: ['On offer to, until', '正在要约交付给，期限'],
  handovers: ['Handovers and claims', '交接与主张'],
  offers: ['offers it to', '向其发出交付要约：'],
  answers: ['answers:', '答复：'],
  claimsIt: ['claims it:', '主张占有：'],
  unknownOutcome: ['what became of it is not in this file', '文件未载明结果'],
  displaced: ['had it by its own word, until a claim displaced it', '曾以单方陈述占有，后被他方主张取代'],
  stock: ['Account of the lot', '批次账目'],
  claims: ['Claimed by', '主张占有'],
  ended: ['Its life ended', '生命周期终止'],
  designId: ['Design id', '存证编号'],
  designTitle: ['Title', '名称'],
  'field-class': ['Locarno class', '洛迦诺分类'],
  'field-description': ['Description', '说明'],
  'field-drafts': ['Drafts', '草稿'],
  'field-author': ['Author', '设计人'],
  'view-perspective': ['perspective view', '立体图'],
  'view-front': ['front view', '主视图'],
  'view-back': ['back view', '后视图'],
  'view-top': ['top view', '俯视图'],
  'view-bottom': ['bottom view', '仰视图'],
  'view-left': ['left view', '左视图'],
  'view-right': ['right view', '右视图'],
  'view-reference': ['reference view', '参考图'],
  'view-unfolded': ['unfolded view', '展开图'],
  'view-exploded': ['exploded view', '分解图'],
  'view-cross-section': ['cross-section', '剖视图'],
  'view-enlarged': ['enlarged view', '局部放大图'],
  deposited: ['Deposited', '存证时间'],
  notDeposited: ['Nothing was deposited under this id.', '该编号下没有存证。'],
  noLater: ['no later than', '不晚于'],
  disclosedAt: ['Disclosed', '公开时间'],
  owner: ['Owner', '存证人'],
  right: ['Owned by, since', '权利人，自何时起'],
  vouched: ['Vouched for by', '身份担保'],
  dispute: ['Dispute', '争议'],
  sanctionsOf: ['Sanctions', '处分'],
  handedOver: ['handed over:', '案件移送：'],
  centreAsked: ['assistance centre asked:', '提请维权援助中心：'],
  noOpinion: ['no opinion in time', '逾期未给出意见'],
  foundFalse: ['found false before, by ruling: notices, declarations', '此前经裁决认定的错误通知、虚假声明：'],
  sanctioned: ['sanction:', '处分：'],
  registeredAs: ['in a business register:', '工商登记号：'],
  asked: ['May do it?', '可否实施'],
  pulseTaken: ['with the pulse of a public beacon of', '使用公共随机信标的脉冲：'],
  pulseMissing: ['the pulse of a public beacon was not shown in time, that of', '公共随机信标的脉冲逾期未出示：'],
  panelDrawn: ['jurors drawn again and votes counted again: to uphold, to dismiss', '重新抽选并计票：支持票、驳回票'],
  checkedBy: ['checked by:', '核验方式：'],
  'check-in-person': ['an identity document, shown in person', '当面出示身份证件'],
  'check-remote': ['an identity document, shown over a network', '通过网络出示身份证件'],
  'check-business-register': ['the entry of a business register', '工商登记信息'],
  'check-other': ['another way', '其他方式'],
  vouchWithdrawn: ['withdrawn since:', '此后已撤回：'],
  ownerKey: ["Owner's key", '存证人公钥'],
  commitment: ['Commitment', '承诺值'],
  fileOf: ['File', '文件'],
  holdersWord: ["the holder's statement", '持有人所述'],
  stamp: ['Time stamp', '时间戳'],
  rootTrusted: ['root trusted here', '根证书受信'],
  rootUntrusted: ['root not trusted here', '根证书未列为受信'],
  validators: ['Validators', '验证节点'],
  power: ['voting power', '表决权'],
  signed: ['signed', '已签署'],
  unsigned: ['did not sign', '未签署'],
  history: ["History: the events, in their recorders' words", '经过：事件，内容为记录者所述'],
  recordedAt: ['recorded', '上链'],
  happenedAt: ['happened, as stated', '所述时间'],
  via: ['shared while inside', '在容器中期间'],
  at: ['at', '地点'],
  container: ['container', '容器'],
  things: ['identifiers and quantities named', '所涉标识与数量'],
  wrong: ['declares an earlier event wrong', '声明此前的事件有误'],
  exact: ['The exact event', '事件原文'],
  cantShow: ["What a record can't show", '记录不能证明的'],
  cantShowText: [
    "A record can't show who made a thing, that an event's account of the world is true, or what happened before it " +
      'was recorded. It shows who said what, when, and that nothing was changed or left out.',
    '记录不能证明：何人创作、事件所述是否属实、上链前发生了什么。它证明何人于何时作出何种陈述，且此后未被更改或遗漏。',
  ],
  beijing: ['Beijing time', '北京时间'],
};

const STEPS_ZH = {
  accepting: '验收',
  arriving: '到达',
  assembling: '组装',
  collecting: '收集',
  commissioning: '赋码启用',
  consigning: '交运',
  creating_class_instance: '生产批次',
  cycle_counting: '盘点',
  decommissioning: '注销',
  departing: '离开',
  destroying: '销毁',
  disassembling: '拆解',
  dispensing: '发放',
  encoding: '编码',
  entering_exiting: '进出',
  holding: '扣留',
  inspecting: '检验',
  installing: '安装',
  killing: '灭活',
  loading: '装载',
  other: '其他',
  packing: '包装',
  picking: '拣货',
  receiving: '收货',
  removing: '移除',
  repackaging: '重新包装',
  repairing: '维修',
  replacing: '更换',
  reserving: '预留',
  retail_selling: '零售',
  sampling: '抽样',
  sensor_reporting: '传感器上报',
  shipping: '发货',
  staging_outbound: '出库备货',
  stock_taking: '清点',
  stocking: '上架',
  storing: '存储',
  transporting: '运输',
  unloading: '卸货',
  unpacking: '拆包',
  void_shipping: '作废发货',
};

/** A business step as people read it. */
export const stepText = (step, language) =>
  (language === 'zh' && Object.hasOwn(STEPS_ZH, step) && STEPS_ZH[step]) || step.replaceAll('_', ' ');

const KINDS = {
  ObjectEvent: ['observation', '观察'],
  AggregationEvent: ['packing', '装拆'],
  AssociationEvent: ['association', '关联'],
  TransactionEvent: ['transaction', '交易'],
  TransformationEvent: ['transformation', '加工'],
};

export const kindText = (kind, language) =>
  Object.hasOwn(KINDS, kind) ? KINDS[kind][language === 'zh' ? 1 : 0] : kind;

const ACTIONS_ZH = { ADD: '新增', OBSERVE: '观察', DELETE: '移除' };

/** An event's action: the standard's word, and in Chinese what it says. */
export const actionText = (action, language) =>
  (language === 'zh' && Object.hasOwn(ACTIONS_ZH, action) && ACTIONS_ZH[action]) || action;

/** Where a statement stands on the ledger. */
export function positionText({ height, transaction, event }, language) {
  const parts =
    language === 'zh'
      ? [`区块 ${height}`, `交易 ${transaction}`, event !== undefined && `事件 ${event}`]
      : [`block ${height}`, `transaction ${transaction}`, event !== undefined && `event ${event}`];
  return parts.filter(Boolean).join(language === 'zh' ? '，' : ', ');
}

export const ENDINGS = {
  sold: ['sold', '已售出'],
  consumed: ['consumed', '已消耗'],
  destroyed: ['destroyed', '已销毁'],
  decommissioned: ['decommissioned', '已注销'],
};

export const BASES = {
  'own-word': ['one-sided: its own word', '单方陈述'],
  prefix: ['by its GS1 company prefix', '依其 GS1 厂商识别代码'],
  handover: ['by a handover that both sides signed', '经双方签署的交接'],
};

export const STATUSES = {
  open: ['open', '待答复'],
  void: ['void: no answer in time', '已失效：逾期未答复'],
  accepted: ['accepted', '已接受'],
  'accepted-with-discrepancy': ['accepted with a discrepancy', '已接受，有差异'],
  rejected: ['rejected', '已拒绝'],
  withdrawn: ['withdrawn', '已撤回'],
};

/** Words of disputes, checks, hand-overs, sanctions and answers, as people read them. */
export const WORDS = {
  noticed: ['noticed', '已通知'],
  measures: ['measures taken', '已采取措施'],
  countered: ['countered', '已声明不侵权'],
  filed: ['filed', '已投诉或起诉'],
  review: ['public review', '公众评审'],
  referred: ['referred to an assistance centre', '已提请维权援助中心判定'],
  'without-measures': ['without measures', '未采取措施'],
  ended: ['ended', '已结束'],
  refused: ['refused', '拒绝'],
  withdrawn: ['withdrawn', '撤回'],
  upheld: ['upheld', '支持'],
  dismissed: ['dismissed', '驳回'],
  'false-notice': ['false notice', '错误通知'],
  'false-declaration': ['false declaration', '虚假声明'],
  'platform-silent': ['the platform was silent', '平台未答复'],
  'measures-stand': ['the measures stand', '措施维持'],
  'measures-end': ['the measures end', '措施终止'],
  'no-ruling': ['no ruling', '未作裁决'],
  'panel-upheld': ['upheld by a panel', '评审组支持'],
  'panel-dismissed': ['dismissed by a panel', '评审组驳回'],
  'centre-dismissed': ["dismissed by a centre's opinion", '维权援助中心认为不侵权'],
  'not-filed': ['contested, and not filed with an authority', '有争议，未提交机关'],
  infringes: ['infringes', '侵权'],
  'does-not-infringe': ["doesn't infringe", '不侵权'],
  contested: ['contested: for an authority', '有争议：由机关认定'],
  'no-quorum': ['no quorum', '未达法定人数'],
  'no-majority': ['no majority', '未达多数'],
  'no-panel': ['no panel', '未抽出评审组'],
  'test-purchase': ['test purchase', '试购'],
  'spot-check': ['spot check', '抽查'],
  'supervisor-notice': ['notice to mend', '责令改正'],
  authentic: ['authentic', '真品'],
  'not-authentic': ['not authentic', '非真品'],
  undetermined: ['undetermined', '无法判定'],
  waits: ['waits for an answer', '待答复'],
  closed: ['closed', '已完结'],
  defaulted: ['not answered in time', '逾期未答复'],
  offered: ['offered', '待受理'],
  accepted: ['accepted', '已受理'],
  lapsed: ['lapsed', '已失效'],
  warning: ['warning', '警告'],
  'no-notices': ['may give no notices', '禁止通知'],
  'no-sales': ['may not sell', '禁止销售'],
  confirmed: ['confirmed on appeal', '复议维持'],
  lifted: ['lifted on appeal', '复议撤销'],
  'not-appealed': ['not appealed', '未申请复议'],
  'not-decided': ['lifted: the appeal was not decided in time', '撤销：逾期未作复议决定'],
  unspecified: ['unspecified', '未载明'],
  make: ['make', '制造'],
  offer: ['offer for sale', '许诺销售'],
  sell: ['sell', '销售'],
  import: ['import', '进口'],
  yes: ['yes', '可以'],
  no: ['no', '不可以'],
  untold: ['the file does not tell', '文件未载明'],
};

/** Such a word. */
export const wordText = (word, language) =>
  Object.hasOwn(WORDS, word) ? WORDS[word][language === 'zh' ? 1 : 0] : word;

/** Verdicts on files that were handed in. */
export const EXHIBITS = {
  recorded: ['part of the record', '属于该记录'],
  'not-compared': ['could not be compared', '无法比对'],
  'not-recorded': ['not part of the record', '不属于该记录'],
};
