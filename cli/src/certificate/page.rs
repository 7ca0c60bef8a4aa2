//! The certificate as a document for people, in Chinese and English.

use super::facts::{Facts, File};
use crate::output::{beijing, utc};
use crate::pdf::{Block, Document};

/// The document.
pub fn document(facts: &Facts) -> Document {
    let mut blocks = Vec::new();
    blocks.extend(deposit(facts));
    blocks.extend(time(facts));
    blocks.extend(files(&facts.files));
    blocks.extend(chain(facts));
    blocks.extend(reading(facts));
    Document {
        title: [
            "设计存证证书".to_owned(),
            "Certificate of design deposit".to_owned(),
        ],
        code: Some(facts.uri()),
        blocks,
        foot: format!("设计存证 Design deposit {}", hex::encode(facts.design_id)),
        date_ms: facts.time_ms,
    }
}

fn heading(text: &str) -> Block {
    Block::Heading(text.to_owned())
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph(text.to_owned())
}

fn deposit(facts: &Facts) -> Vec<Block> {
    let title = match &facts.title {
        Some(title) => vec![
            title.text.clone(),
            match title.recorded {
                true => "（公开时记入账本 recorded in the ledger at its disclosure）",
                false => "（持有人所述，账本未记录 the holder's statement, not in the ledger）",
            }
            .to_owned(),
        ],
        None => {
            vec!["未知：未公开，亦无收据 unknown: neither disclosed nor in a receipt".to_owned()]
        }
    };
    let disclosed = match facts.disclosed {
        Some((time_ms, height)) => format!("{}，区块高度 block height {height}", utc(time_ms)),
        None => "未公开 not disclosed".to_owned(),
    };
    let mut blocks = vec![
        heading("存证 Deposit"),
        Block::field("存证编号 Design id", hex::encode(facts.design_id)),
        Block::Field("名称 Title".to_owned(), title),
        Block::field(
            "存证人 Owner",
            format!("{} ({})", facts.organisation_name, facts.organisation),
        ),
        Block::field("存证人公钥 Owner's key", hex::encode(facts.owner_key)),
        Block::field("承诺值 Commitment", hex::encode(facts.commitment)),
        Block::field("公开 Disclosure", disclosed),
    ];
    if let Some(since) = facts.compromised_since_ms {
        blocks.push(Block::Notice(compromise(since, facts.is_doubtful())));
    }
    blocks
}

fn compromise(since_ms: u64, doubtful: bool) -> String {
    let since = utc(since_ms);
    match doubtful {
        true => format!(
            "警示：该机构报告此密钥自 {since} 起可能为他人使用，早于本次存证；存证可能由他人签署。 \
             Warning: the organisation reported that others may have used this key since {since}, before this \
             deposit; somebody else may have signed it."
        ),
        false => format!(
            "该机构报告此密钥自 {since} 起可能为他人使用；本次存证在此之前，不受影响。 The organisation \
             reported that others may have used this key since {since}; this deposit is earlier and keeps its worth."
        ),
    }
}

/// When a deposit was made, within which error, milliseconds.
pub fn deposited(time_ms: u64, error_ms: u64) -> Block {
    let error = error_ms as f64 / 1000.0;
    Block::Field(
        "存证时间 Deposited".to_owned(),
        vec![
            format!("不晚于 no later than {} ± {error:.1} s", utc(time_ms)),
            format!("北京时间 Beijing time {}", beijing(time_ms)),
        ],
    )
}

fn time(facts: &Facts) -> Vec<Block> {
    let parameters = &facts.parameters;
    vec![
        heading("时间 Time"),
        deposited(facts.time_ms, parameters.time_error_ms()),
        Block::Field(
            "误差 Error".to_owned(),
            vec![
                format!(
                    "首轮达成的区块，其时间与诚实验证节点时钟之差不超过时钟精度 {} ms 与消息延迟 {} ms \
                     之和；以后每轮延迟放宽十分之一。",
                    parameters.precision_ms, parameters.message_delay_ms
                ),
                format!(
                    "The time of a block decided in its first round is within the clock precision ({} ms) and the \
                     message delay ({} ms) of honest validators' clocks; each later round widens the delay by a tenth.",
                    parameters.precision_ms, parameters.message_delay_ms
                ),
            ],
        ),
    ]
}

fn files(files: &[File]) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(format!(
        "文件 Files: {}",
        match files.len() {
            0 => "未知 unknown".to_owned(),
            n => n.to_string(),
        }
    ))];
    if files.is_empty() {
        blocks.push(paragraph(
            "没有收据且未公开，无法得知承诺值对应哪些文件。 Without the receipt or a disclosure it isn't known \
             which files the commitment is to.",
        ));
        return blocks;
    }
    for (index, file) in files.iter().enumerate() {
        let mut lines = vec![hex::encode(file.sha256)];
        lines.extend(file.name.clone());
        blocks.push(Block::Field(format!("{}. SHA-256", index + 1), lines));
    }
    if files.iter().any(|f| f.name.is_some()) {
        blocks.push(paragraph(
            "文件名为持有人所述，账本未记录。 The files' names are the holder's statement, not in the ledger.",
        ));
    }
    blocks
}

fn chain(facts: &Facts) -> Vec<Block> {
    let total = facts.total_power();
    let validators = facts
        .validators
        .iter()
        .map(|v| {
            let (name, id, power) = (&v.name, &v.organisation, v.power);
            format!("{name} ({id})：表决权 voting power {power} / {total}")
        })
        .collect();
    let independence = match facts.own_power() {
        0 => Block::Paragraph(
            "存证人所属机构不在验证节点之列。 The owner's organisation is not among the validators.".to_owned(),
        ),
        own => Block::Notice(format!(
            "注意：存证人所属机构本身也是验证节点，表决权 {own} / {total}。 Note: the owner's own organisation is \
             among the validators, with {own} of {total} voting power."
        )),
    };
    vec![
        heading("链上记录 Record on the chain"),
        Block::Field(
            "链 Chain".to_owned(),
            vec![facts.chain_name.clone(), hex::encode(facts.chain_id)],
        ),
        Block::Field(
            "区块 Block".to_owned(),
            vec![
                format!("高度 height {}", facts.height),
                hex::encode(facts.block_id),
            ],
        ),
        Block::field("交易 Transaction", hex::encode(facts.transaction_id)),
        Block::Field("验证节点 Validators".to_owned(), validators),
        Block::field(
            "节点集哈希 Hash of the set",
            hex::encode(facts.validators_hash),
        ),
        paragraph(
            "以上为该高度的全体验证节点；该区块由超过三分之二的表决权签署。 These are all validators at this \
             height; more than 2/3 of their voting power signed the block.",
        ),
        independence,
    ]
}

fn reading(facts: &Facts) -> Vec<Block> {
    let (shows, shows_in_english) = match facts.files.is_empty() {
        false => (
            "持有存证人密钥者不晚于上述时间持有与上列指纹完全一致的文件，并由超过三分之二表决权的验证节点见证。",
            "Shows that whoever held the owner's key had exactly the files with these fingerprints no later than \
             this time, attested by more than 2/3 of the validators' voting power.",
        ),
        true => (
            "持有存证人密钥者不晚于上述时间存入该承诺值，并由超过三分之二表决权的验证节点见证。",
            "Shows that a commitment by this key was deposited no later than this time, attested by more than 2/3 \
             of the validators' voting power.",
        ),
    };
    vec![
        heading("核验 How to verify"),
        paragraph(
            "本页本身不是证据。向任一节点核验：touchstone certificate 存证编号 --genesis genesis.json；离线证据文件：\
             touchstone evidence 存证编号 -o case.evidence。链标识（创世文件的 SHA-256）须与联盟公布的一致；原始文件的 \
             SHA-256（sha256sum）须与上列指纹一致。",
        ),
        paragraph(
            "This page proves nothing by itself. Ask any node: touchstone certificate ID --genesis genesis.json; one \
             offline file for a court: touchstone evidence ID -o case.evidence. The chain id (SHA-256 of the genesis \
             file) must be the one that the consortium publishes; the SHA-256 of an original file (sha256sum) must be \
             among the fingerprints above.",
        ),
        heading("证明事项 What it shows, and what it doesn't"),
        Block::Paragraph(format!("证明：{shows} {shows_in_english}")),
        paragraph(
            "不证明：谁创作了该设计、该设计是否新颖、此前是否已为他人持有。 Doesn't show who made the design, that it is \
             new, or that nobody had it before.",
        ),
    ]
}

#[cfg(test)]
mod tests;
