// The application's own words, in English and Chinese.

export const VERDICTS = {
  checked: ['Checked', '已核验'],
  reservations: ['Checked, with reservations', '已核验，有保留'],
  unchecked: ['Could not be checked', '未能核验'],
  suspect: ['Suspect', '可疑'],
};

export const VERDICT_SENTENCES = {
  checked: [
    'Your device checked the whole record: nothing was changed or left out, and no rule speaks against the thing.',
    '您的设备已核验全部记录：无更改、无遗漏，没有规则表明异常。',
  ],
  reservations: [
    'Your device checked the whole record: nothing was changed or left out. Consider the following.',
    '您的设备已核验全部记录：无更改、无遗漏。请注意以下事项。',
  ],
  unchecked: ['This says nothing about the thing itself.', '此结果与物品本身的真伪无关。'],
  suspect: [
    'The record speaks against the thing. That does not prove it to be false.',
    '记录显示异常，但不足以证明其为假冒。',
  ],
};

export const STAGE_NAMES = {
  production: ['Production', '生产'],
  packing: ['Packing and dispatch', '包装与发运'],
  'loading-port': ['Loading port', '装运港'],
  voyage: ['Voyage', '运输途中'],
  'import-port': ['Port of import', '进口港'],
  warehouse: ['Bonded warehouse or store', '保税仓库或仓储'],
  customs: ['Customs', '海关'],
  inspection: ['Inspection', '检验检测'],
  distribution: ['Distribution', '分销流转'],
  retail: ['Shop', '零售'],
  'last-mile': ['Last mile', '末端配送'],
  end: ['End of life', '生命周期终止'],
};

export const ROLE_NAMES = [
  null,
  ['platform', '平台'],
  ['logistics', '物流'],
  ['manufacturer', '生产者'],
  ['IP office', '知识产权机构'],
  ['court', '法院'],
  ['designer', '设计者'],
  ['customs', '海关'],
  ['inspection', '检验机构'],
  ['laboratory', '实验室'],
  ['retail', '零售'],
];

export const DISPOSITIONS = {
  recalled: ['recalled', '召回'],
  stolen: ['stolen', '被盗'],
  non_conformant: ['not conformant', '不合格'],
  damaged: ['damaged', '受损'],
  needs_replacement: ['needs replacement', '需更换'],
  mismatch_instance: ['not the thing expected', '与应有物品不符'],
  conformant: ['conformant', '合格'],
};

export const MEASURES = {
  Temperature: ['Temperature', '温度'],
  AbsoluteHumidity: ['Absolute humidity', '绝对湿度'],
  RelativeHumidity: ['Relative humidity', '相对湿度'],
  Acceleration: ['Acceleration', '加速度'],
  Pressure: ['Pressure', '压力'],
  Illuminance: ['Light', '光照'],
  Mass: ['Mass', '质量'],
  ALARM_CONDITION: ['Alarm', '告警'],
};

/** Units of UN/CEFACT Recommendation 20, as people write them. */
export const UNITS = {
  CEL: '°C',
  FAH: '°F',
  KEL: 'K',
  P1: '%',
  A93: 'g/m³',
  MSK: 'm/s²',
  PAL: 'Pa',
  HPA: 'hPa',
  LUX: 'lx',
  KGM: 'kg',
  GRM: 'g',
};

export const TEXTS = {
  title: ['Touchstone: the record of a thing', 'Touchstone 物品溯源'],
  heading: ['The record of a thing', '物品溯源'],
  other: ['中文', 'English'],
  promise: [
    'This page checks the proof on your device; but it came from a server, which could send another page: for certainty ' +
      'save the evidence and check it with a program from a place that you trust.',
    '本页面在您的设备上核验证明；但页面来自服务器，服务器可能发送另一页面：如需确证，请保存证据，用来自可信来源的程序核验。',
  ],
  working: ['Asking the server, then checking every signature and every proof …', '正在查询，并核验全部签名与证明……'],
  code: ['Code', '编码'],
  codeLabel: [
    'Digital Link, EPC, or (01)…(21)… as printed beside the code',
    'Digital Link、EPC，或条码旁印刷的 (01)…(21)…',
  ],
  look: ['Look it up', '查询'],
  lookHeading: ['A thing', '查询物品'],
  noScript: ['This page needs JavaScript.', '本页面需要启用 JavaScript。'],
  print: ['Print', '打印'],
  save: ['Save the evidence', '保存证据'],
  home: ['Another code', '查询其他编码'],
  retry: ['Ask again', '重新查询'],
  rules: ['rules of version', '规则版本'],
  asOf: ['As of', '截至'],
  block: ['block', '区块'],
  fault: ['This page failed, which says nothing about the thing:', '本页面出错，与物品的真伪无关：'],
  // Trust.
  trustHeading: ['Which ledger is this?', '这是哪个账本？'],
  trustAsk: [
    'You see this ledger for the first time on this device. Compare these 24 words, or the digits, with those that the ' +
      'consortium publishes (on paper, by telephone, on its own website). Never take them from the goods or from this server.',
    '此设备首次访问该账本。请将以下 24 个词语或数字与联盟公布的（纸质文件、电话、联盟网站）核对。切勿取自商品或本服务器。',
  ],
  trustYes: ['They are the same: remember this ledger', '一致：记住该账本'],
  trustKept: ['You compared this ledger once; it is the same one.', '该账本与您此前核对的一致。'],
  trustForget: ['Forget it', '取消记住'],
  trustNotKept: ['This browser keeps nothing: you will be asked again.', '该浏览器不保存数据，下次将再次询问。'],
  trustWords: ['In words', '词语'],
  trustDigits: ['In digits (SHA-256 of the genesis file)', '数字（创世文件的 SHA-256）'],
  trustPinned: ['The ledger that you trusted before', '您此前信任的账本'],
  trustOther: ['The ledger that this server shows', '该服务器展示的账本'],
  // The thing.
  thing: ['The thing', '物品'],
  lot: ['Lot', '批号'],
  expiry: ['Expiry date', '有效期'],
  origin: ['Country of origin', '原产国'],
  made: ['Made', '生产'],
  makersWord: ["the maker's statement", '生产者所述'],
  moreData: ['More that its maker stated', '生产者所述的其他信息'],
  custody: ['Who has it', '占有人'],
  nobody: ['nobody is recorded', '没有记录'],
  onOffer: ['On offer to', '正在要约交付给'],
  claims: ['Others who claim it', '其他主张占有者'],
  inside: ['Packed in', '包装于'],
  activation: ['The code under the cover', '涂层下的验证码'],
  activationLabel: ['Open the cover only if the thing is yours, then type the code', '确认物品归您所有后再刮开涂层，并输入验证码'],
  activationCheck: ['Compare', '核对'],
  activationFits: [
    'It fits: this is the label that the maker printed. Whether somebody opened it before is not recorded: look at the cover.',
    '相符：此标签由生产者印制。是否曾被他人刮开没有记录，请查看涂层。',
  ],
  activationDiffers: [
    'It does not fit what the maker recorded for this thing. Check your typing; if it stays so, ask the maker.',
    '与生产者为该物品记录的不符。请检查输入；如仍不符，请联系生产者。',
  ],
  // Journey.
  journey: ['Its way', '流转经过'],
  journeyNote: [
    'What the organisations stated, signed by each. The times are theirs; the ledger received each statement at the time given in its details.',
    '以下为各机构签名的陈述。时间为其所述，账本收到各陈述的时间见详情。',
  ],
  saidBy: ['stated by', '陈述者'],
  recorded: ['recorded', '上链'],
  details: ['Details', '详情'],
  while: ['while packed in', '包装于'],
  place: ['Place', '地点'],
  offeredTo: ['offered for handover to', '提出交付给'],
  accepted: ['handover accepted: both sides signed', '交接已接受：双方均已签名'],
  acceptedWith: ['handover accepted with a discrepancy', '交接已接受，有差异'],
  rejected: ['handover rejected', '交接被拒绝'],
  withdrawn: ['offer withdrawn', '要约撤回'],
  claimed: ['claimed, one-sidedly', '单方主张占有'],
  wrong: ['declared wrong later', '此后被声明有误'],
  corrects: ['declares an earlier statement wrong', '声明此前的陈述有误'],
  exact: ['The exact statement, as it was signed', '陈述原文'],
  things: ['things named', '所涉物品数'],
  certificates: ['Certificates and reports named', '所引证书与报告'],
  certificatesNote: [
    'Named by the organisations; what they say is not in this record.',
    '由各机构引用，内容不在本记录中。',
  ],
  findings: ['Findings', '认定'],
  sensors: ['Sensor readings', '传感器读数'],
  reading: ['From', '起'],
  until: ['To', '止'],
  least: ['Least', '最低'],
  most: ['Greatest', '最高'],
  middle: ['Value or mean', '值或均值'],
  places: ['Places', '地点'],
  placesNote: ['Land without borders; only places with coordinates are drawn.', '仅绘陆地轮廓，不含边界；仅标示有坐标的地点。'],
  // What isn't known.
  unknown: ["What isn't known", '尚不知道的'],
  unknownHand: [
    'Whether the thing in your hand is the one recorded: a label can be copied.',
    '您手中的物品是否即所记录的物品：标签可以复制。',
  ],
  unknownTrue: [
    'Whether what the organisations stated is true: the record shows who said what, and when.',
    '各机构的陈述是否属实：记录仅证明何人于何时作出何种陈述。',
  ],
  unknownOrigin: ['No country of origin is recorded.', '没有记录原产国。'],
  unknownExpiry: ['No expiry date is recorded.', '没有记录有效期。'],
  unknownSensors: ['No sensor reading is recorded.', '没有记录传感器读数。'],
  unknownPlaces: ['No place of this record has coordinates, so there is no map.', '记录中的地点没有坐标，无法绘制地图。'],
  unknownCustoms: ['No customs statement is recorded.', '没有记录海关陈述。'],
  unknownInspection: ['No inspection is recorded.', '没有记录检验检测。'],
  unknownLot: ["Recalls of its lot could not be asked for: the lot isn't known.", '批号未知，无法查询批次召回。'],
  unknownLotAnswer: ["Recalls of its lot could not be looked up: the server's answer is missing or does not hold.", '批次召回未能查询：服务器没有给出成立的答复。'],
  proof: ['The proof, element by element', '逐项核验'],
  proofShow: ['Show what was checked', '显示核验内容'],
};

/** English or Chinese of a pair. */
export const pick = (pair, language) => pair[language === 'zh' ? 1 : 0];
