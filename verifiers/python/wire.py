"""The canonical protobuf reader: of the byte strings that decode to one message, it accepts the one
that docs/format.md, "Canonical protobuf", describes, and refuses every other.

A message is read into a dict by field names that holds every field: numbers 0, bytes and text empty,
lists empty, messages read from no bytes, and None where a field marked `?` or `|` isn't set.
"""

# The tables of docs/format.md and docs/evidence.md, line by line; test_verify.py compares them.
TABLES = r"""
| `Envelope` | 1 body bytes, 2 signatures* `Signature` |
| `Signature` | 1 public_key bytes, 2 signature bytes |
| `Transaction` | 1 organisation string, 2 created_ms uint64, \| 10 capture_events `CaptureEvents`, \| 11 deposit_design `DepositDesign`, \| 12 disclose_design `DiscloseDesign`, \| 13 change_keys `ChangeKeys`, \| 14 approve_change `ApproveChange`, \| 17 declare_product `DeclareProduct`, \| 23 publish_fingerprints `PublishFingerprints`, \| 30 vouch_for_designer `VouchForDesigner`, \| 31 withdraw_vouching `WithdrawVouching`, \| 32 offer_transfer `OfferTransfer`, \| 33 answer_transfer `AnswerTransfer`, \| 34 grant_licence `GrantLicence`, \| 35 end_licence `EndLicence`, \| 36 end_right `EndRight`, \| 37 attest_mark `AttestMark`, \| 38 give_notice `GiveNotice`, \| 39 answer_notice `AnswerNotice`, \| 40 counter_notice `CounterNotice`, \| 41 show_filing `ShowFiling`, \| 42 withdraw_notice `WithdrawNotice`, \| 43 rule_dispute `RuleDispute`, \| 46 set_master_data `SetMasterData`, \| 50 register_jurors `RegisterJurors`, \| 51 open_review `OpenReview`, \| 52 reveal_preimage `RevealPreimage`, \| 53 cast_ballot `CastBallot`, \| 54 void_ballot `VoidBallot`, \| 55 open_ballot `OpenBallot`, \| 56 appeal_review `AppealReview`, \| 57 accept_verdict `AcceptVerdict`, \| 65 record_check `RecordCheck`, \| 66 answer_check `AnswerCheck`, \| 67 hand_over_case `HandOverCase`, \| 68 accept_case `AcceptCase`, \| 69 impose_sanction `ImposeSanction`, \| 70 appeal_sanction `AppealSanction`, \| 71 decide_appeal `DecideAppeal`, \| 72 refer_notice `ReferNotice`, \| 73 contest_refusal `ContestRefusal`, \| 74 give_opinion `GiveOpinion`, \| 75 show_pulse `ShowPulse`, \| 80 publish_features `PublishFeatures` |
| `CaptureEvents` | 1 events* bytes, \| 2 offer `OfferCustody`, \| 3 answer `AnswerOffer`, \| 4 claim `ClaimCustody` |
| `OfferCustody` | 1 to string, 2 deadline_ms uint64 |
| `AnswerOffer` | 1 offer bytes, 2 outcome enum, 3 discrepancy string |
| `ClaimCustody` | 1 reason string |
| `DeclareProduct` | 1 product string, 2 output uint64, 3 input uint64, 4 unit string |
| `SetMasterData` | 1 elements* `VocabularyElement` |
| `VocabularyElement` | 1 id string, 2 version uint64, 3 types* string, 4 attributes* `MasterDataAttribute`, 5 children* string |
| `MasterDataAttribute` | 1 id string, 2 text string, 3 fields* `MasterDataAttribute` |
| `DepositDesign` | 1 commitment bytes |
| `DiscloseDesign` | 1 design_id bytes, 2 salt bytes, 3 file_hashes* bytes, 4 title string, 5 fingerprints? `Fingerprints`, 6 content? `DesignContent` |
| `DesignContent` | 1 views* enum, 2 digests* bytes, 3 disclosures* string |
| `Fingerprints` | 1 specification bytes, 2 pictures* `PictureFingerprint` |
| `PictureFingerprint` | 1 file_hash bytes, 2 whole bytes, 3 trimmed bytes, 4 whole_quality uint32, 5 trimmed_quality uint32 |
| `PublishFingerprints` | 1 design_id bytes, 2 fingerprints `Fingerprints` |
| `PublishFeatures` | 1 design_id bytes, 2 specification bytes, 3 pictures* `PictureFeatures` |
| `PictureFeatures` | 1 file_hash bytes, 2 features bytes |
| `VouchForDesigner` | 1 designer string, 2 name string, 3 public_key bytes, 4 possession bytes, 5 check enum, 6 check_words string, 7 until_ms uint64, 8 registered_as string |
| `WithdrawVouching` | 1 designer string, 2 reason string |
| `OfferTransfer` | 1 subject bytes, 2 to string, 3 deadline_ms uint64 |
| `AnswerTransfer` | 1 subject bytes, 2 offer bytes, 3 outcome enum |
| `GrantLicence` | 1 subject bytes, 2 parent bytes, 3 licensee string, 4 terms `LicenceTerms` |
| `LicenceTerms` | 1 acts* enum, 2 territories* string, 3 from_ms uint64, 4 until_ms uint64, 5 depth uint32, 6 sublicensees* string |
| `EndLicence` | 1 licence bytes, 2 reason string |
| `EndRight` | 1 subject bytes, 2 reason string |
| `AttestMark` | 1 number string, 2 name string, 3 owner string, 4 classes uint64, 5 until_ms uint64 |
| `GiveNotice` | 1 subject bytes, 2 platform string, 3 respondent string, 4 listing string, 5 evidence bytes |
| `AnswerNotice` | 1 dispute bytes, 2 measure enum, 3 reason string |
| `CounterNotice` | 1 dispute bytes, 2 declaration bytes |
| `ShowFiling` | 1 dispute bytes, 2 authority string, 3 reference string |
| `WithdrawNotice` | 1 dispute bytes, 2 reason string |
| `RuleDispute` | 1 dispute bytes, 2 outcome enum, 3 reasons bytes, 4 rule_book bytes |
| `RegisterJurors` | 1 root bytes, 2 count uint32 |
| `OpenReview` | 1 dispute bytes, 2 ground enum, 3 rule_book bytes |
| `RevealPreimage` | 1 validator bytes, 2 preimage bytes |
| `CastBallot` | 1 ballot `Ballot`, 2 public_key bytes, 3 organisation string, 4 path* bytes, 5 signature bytes |
| `Ballot` | 1 dispute bytes, 2 instance uint32, 3 juror uint32, 4 revision uint32, 5 commitment bytes |
| `VoidBallot` | 1 dispute bytes, 2 juror uint32, 3 choice enum, 4 salt bytes |
| `OpenBallot` | 1 opening `BallotOpening`, 2 signature bytes |
| `BallotOpening` | 1 dispute bytes, 2 instance uint32, 3 juror uint32, 4 choice enum, 5 salt bytes, 6 reasons bytes |
| `AppealReview` | 1 dispute bytes, 2 reasons bytes |
| `AcceptVerdict` | 1 dispute bytes |
| `RecordCheck` | 1 dispute bytes, 2 kind enum, 3 at_ms uint64, 4 place string, 5 report bytes, 6 rule_book bytes, 7 seal bytes, 8 custody bytes, 9 verdict enum, 10 to string |
| `AnswerCheck` | 1 check bytes, 2 report bytes, 3 rule_book bytes, 4 verdict enum, 5 seal bytes |
| `HandOverCase` | 1 dispute bytes, 2 to string, 3 reasons bytes, 4 rule_book bytes |
| `AcceptCase` | 1 dispute bytes, 2 reference string |
| `ImposeSanction` | 1 party string, 2 kind enum, 3 grounds* bytes, 4 reasons bytes, 5 rule_book bytes, 6 until_ms uint64 |
| `AppealSanction` | 1 sanction bytes, 2 authority string, 3 reasons bytes |
| `DecideAppeal` | 1 sanction bytes, 2 outcome enum, 3 reasons bytes, 4 rule_book bytes |
| `ReferNotice` | 1 dispute bytes, 2 centre string, 3 reasons bytes, 4 rule_book bytes |
| `ContestRefusal` | 1 dispute bytes, 2 centre string, 3 reasons bytes |
| `ShowPulse` | 1 pulse `BeaconPulse` |
| `BeaconPulse` | 1 uri string, 2 version string, 3 cipher_suite uint32, 4 period_ms uint32, 5 certificate_id bytes, 6 chain_index uint64, 7 pulse_index uint64, 8 time_ms uint64, 9 local_random_value bytes, 10 external_source_id bytes, 11 external_status uint32, 12 external_value bytes, 13 list_values* bytes, 14 precommitment_value bytes, 15 status uint32, 16 signature bytes |
| `GiveOpinion` | 1 dispute bytes, 2 opinion enum, 3 reasons bytes, 4 rule_book bytes |
| `ChangeKeys` | 1 add* bytes, 2 retire* bytes, 3 compromised* `Compromise` |
| `Compromise` | 1 public_key bytes, 2 since_ms uint64 |
| `ApproveChange` | 1 change `Change` |
| `Change` | 1 sequence uint64, \| 2 put_organisation `Organisation`, \| 3 put_validator `Validator`, \| 4 remove_validator bytes, \| 5 recover_keys `RecoverKeys`, \| 6 put_standing `PutStanding`, \| 7 put_parameters `Parameters`, \| 8 put_protocol `PutProtocol`, \| 20 replace_validator `ReplaceValidator`, \| 50 put_review_terms `ReviewTerms`, \| 51 put_hash_chain `PutHashChain`, \| 65 put_dispute_terms `DisputeTerms` |
| `ReplaceValidator` | 1 old_key bytes, 2 new_key bytes |
| `PutHashChain` | 1 validator bytes, 2 tip bytes |
| `ReviewTerms` | 1 panel uint32, 2 appeal_panel uint32, 3 alternates uint32, 4 quorum_percent uint32, 5 majority_percent uint32, 6 commit_days uint32, 7 open_days uint32, 8 appeal_days uint32, 9 reveal_blocks uint32, 10 beacon? `Beacon` |
| `Beacon` | 1 modulus bytes, 2 chain_index uint64, 3 period_ms uint32, 4 delay_ms uint32, 5 wait_ms uint32 |
| `DisputeTerms` | 1 laboratory_days uint32, 2 mend_days uint32, 3 acceptance_days uint32, 4 sanction_days uint32, 5 false_notices uint32, 6 appeal_days uint32, 7 decision_days uint32, 8 answer_days uint32, 9 declaration_days uint32, 10 waiting_days uint32, 11 ruling_days uint32, 12 opinion_days uint32, 13 escalation_days uint32 |
| `PutProtocol` | 1 version uint32, 2 from_height uint64 |
| `RecoverKeys` | 1 organisation string, 2 add* bytes, 3 retire* bytes, 4 compromised* `Compromise` |
| `PutStanding` | 1 organisation string, 2 standing enum |
| `Organisation` | 1 id string, 2 name string, 3 roles* enum, 4 keys* `Key`, 5 peers* `Peer`, 6 gs1_prefixes* string, 7 standing enum, 8 standing_height uint64 |
| `Key` | 1 public_key bytes, 2 valid_from_height uint64, 3 valid_until_height uint64 (0: no end), 4 compromised_since_ms uint64 (0: no report), 5 added_ms uint64, 6 dispute enum |
| `Peer` | 1 public_key bytes, 2 addresses* string |
| `Validator` | 1 public_key bytes, 2 power uint64, 3 organisation string |
| `ValidatorSet` | 1 validators* `Validator`, 2 first_height uint64 |
| `Parameters` | 1 precision_ms uint64, 2 message_delay_ms uint64, 3 max_block_bytes uint64, 4 max_block_transactions uint64, 5 max_transaction_bytes uint64, 6 max_events_per_transaction uint64, 7 transaction_lifetime_ms uint64, 8 expired_before_ms uint64 |
| `Protocol` | 1 version uint32, 2 next_version uint32, 3 next_height uint64 |
| `Header` | 1 version uint32, 2 chain_id bytes, 3 height uint64, 4 time_ms uint64, 5 parent bytes, 6 proposer bytes, 7 transaction_root bytes, 8 transaction_count uint64, 9 state_root bytes, 10 validators_hash bytes, 11 next_validators_hash bytes |
| `Block` | 1 header bytes, 2 transactions* bytes |
| `Vote` | 1 kind enum, 2 height uint64, 3 round uint32, 4 block_id bytes |
| `Proposal` | 1 height uint64, 2 round uint32, 3 block_id bytes, 4 valid_round? uint32 |
| `CommitCertificate` | 1 height uint64, 2 round uint32, 3 block_id bytes, 4 signatures* `Signature` |
| `Position` | 1 height uint64, 2 transaction uint32, 3 event uint32 |
| `Link` | 1 count uint64, 2 head bytes |
| `LinkEntry` | 1 position `Position`, 2 transaction_id bytes, 3 content_hash bytes, 4 organisation string, 5 time_ms uint64 |
| `Item` | 1 link `Link`, 2 packed? `Packing`, 3 emptied? `Position`, 4 generation uint64, 5 levels uint32, 6 custody? `Custody`, 7 offer bytes, 8 claims* `CustodyClaim`, 9 commissioned? `Position`, 10 ended? `End`, 11 stock? `Stock`, 12 confirmed_content uint32 |
| `Packing` | 1 container string, 2 since `Position`, 3 generation uint64 |
| `Custody` | 1 holder string, 2 basis enum, 3 since `Position`, 4 offer bytes, 5 discrepancy string |
| `CustodyClaim` | 1 organisation string, 2 since `Position`, 3 reason string |
| `End` | 1 how enum, 2 position `Position` |
| `Stock` | 1 unit string, 2 holdings* `Holding` |
| `Holding` | 1 organisation string, 2 millionths uint64 |
| `Portion` | 1 product string, 2 millionths uint64 |
| `Emptying` | 1 position `Position`, 2 custody? `Custody` |
| `Offer` | 1 from string, 2 to string, 3 deadline_ms uint64, 4 items* string, 5 position `Position`, 6 outcome enum, 7 answered? `Position`, 8 discrepancy string, 9 portions* `Portion` |
| `OpenOffers` | 1 offers* `OpenOffer` |
| `OpenOffer` | 1 id bytes, 2 to string, 3 deadline_ms uint64 |
| `EventRecord` | 1 position `Position`, 2 items bytes, 3 declared_wrong uint32 |
| `Product` | 1 organisation string, 2 output uint64, 3 input uint64, 4 unit string |
| `MasterData` | 1 element `VocabularyElement`, 2 organisation string, 3 position `Position`, 4 transaction_id bytes, 5 time_ms uint64 |
| `Design` | 1 commitment bytes, 2 organisation string, 3 owner_key bytes, 4 position `Position`, 5 transaction_id bytes, 6 time_ms uint64, 7 disclosure? `Disclosure`, 8 compared uint32, 9 vouching? uint64, 10 disposed uint32 |
| `Right` | 1 owners* `Ownership`, 2 earlier_owners uint32, 3 offered? `OfferedTransfer`, 4 ended? `RightEnd`, 5 office string, 6 until_ms uint64, 7 sanctioned uint32 |
| `Mark` | 1 office string, 2 number string, 3 name string, 4 classes uint64, 5 position `Position`, 6 time_ms uint64 |
| `Dispute` | 1 subject bytes, 2 complainant string, 3 platform string, 4 respondent string, 5 listing string, 6 evidence bytes, 7 position `Position`, 8 noticed_ms uint64, 9 phase enum, 10 deadline_ms uint64, 11 measure enum, 12 measure_reason string, 13 answered_ms uint64, 14 declaration bytes, 15 countered_ms uint64, 16 authority string, 17 reference string, 18 filed_ms uint64, 19 outcome enum, 20 ended_ms uint64, 21 reasons bytes, 22 rule_book bytes, 23 ended_words string, 24 review? `Review`, 25 checks* bytes, 26 sanctions* bytes, 27 handovers* `CaseHandOver`, 28 referral? `Referral`, 29 complainant_before? `FalseStatements`, 30 respondent_before? `FalseStatements`, 31 previous bytes |
| `CaseHandOver` | 1 from string, 2 to string, 3 reasons bytes, 4 rule_book bytes, 5 offered_ms uint64, 6 deadline_ms uint64, 7 state enum, 8 closed_ms uint64 |
| `Referral` | 1 centre string, 2 by string, 3 reasons bytes, 4 rule_book bytes, 5 referred_ms uint64, 6 deadline_ms uint64, 7 opinion enum, 8 opinion_reasons bytes, 9 opinion_rule_book bytes, 10 closed_ms uint64 |
| `FalseStatements` | 1 notices uint64, 2 declarations uint64 |
| `CaseCheck` | 1 dispute bytes, 2 kind enum, 3 by string, 4 at_ms uint64, 5 place string, 6 report bytes, 7 rule_book bytes, 8 seal bytes, 9 custody bytes, 10 to string, 11 position `Position`, 12 recorded_ms uint64, 13 state enum, 14 deadline_ms uint64, 15 verdict enum, 16 seal_confirmed uint32, 17 answer bytes, 18 answer_rule_book bytes, 19 closed_ms uint64 |
| `Sanction` | 1 party string, 2 registered_as string, 3 kind enum, 4 issuer string, 5 grounds* bytes, 6 reasons bytes, 7 rule_book bytes, 8 from_ms uint64, 9 until_ms uint64, 10 position `Position`, 11 outcome enum, 12 deadline_ms uint64, 13 authority string, 14 appeal bytes, 15 appealed_ms uint64, 16 decision bytes, 17 decision_rule_book bytes, 18 closed_ms uint64 |
| `PartySanctions` | 1 held* `HeldSanction`, 2 told_from_ms uint64, 3 imposed uint64, 4 confirmed uint64, 5 lifted uint64, 6 not_appealed uint64, 7 not_decided uint64 |
| `HeldSanction` | 1 sanction bytes, 2 kind enum, 3 subjects* bytes, 4 from_ms uint64, 5 until_ms uint64 |
| `ListingNotices` | 1 last bytes, 2 count uint64 |
| `DisputeTally` | 1 notices uint64, 2 open uint64, 3 upheld uint64, 4 dismissed uint64, 5 false_notices uint64, 6 false_declarations uint64, 7 withdrawn uint64, 8 refused uint64, 9 by_default uint64, 10 panel_upheld uint64, 11 panel_dismissed uint64, 12 centre_dismissed uint64 |
| `DueDisputes` | 1 disputes* bytes |
| `Review` | 1 ground enum, 2 rule_book bytes, 3 phase enum, 4 instance uint32, 5 opened_by string, 6 opened_ms uint64, 7 results* `PanelResult`, 8 appellant string, 9 appeal bytes |
| `PanelResult` | 1 verdict enum, 2 uphold uint32, 3 dismiss uint32, 4 time_ms uint64, 5 reasons bytes |
| `Panel` | 1 root bytes, 2 count uint32, 3 terms `ReviewTerms`, 4 draw uint64, 5 seed bytes, 6 seats* `Seat` |
| `Seat` | 1 juror uint32, 2 state enum, 3 public_key bytes, 4 revision uint32, 5 commitment bytes, 6 choice enum, 7 reasons bytes |
| `JurorLists` | 1 lists* `JurorList`, 2 earlier uint64 |
| `JurorList` | 1 root bytes, 2 count uint32, 3 height uint64, 4 time_ms uint64 |
| `HashChain` | 1 tip bytes, 2 revealed uint64 |
| `Draws` | 1 count uint64, 2 waiting* bytes |
| `Draw` | 1 height uint64, 2 last_height uint64, 3 values* `DrawValue`, 4 disputes* bytes, 5 closed_height uint64, 6 beacon? `BeaconDraw` |
| `BeaconDraw` | 1 beacon `Beacon`, 2 revealed_ms uint64, 3 pulse? `BeaconPulse`, 4 closed_ms uint64 |
| `DrawValue` | 1 public_key bytes, 2 organisation string, 3 power uint64, 4 tip bytes, 5 preimage bytes |
| `Ownership` | 1 organisation string, 2 since_ms uint64 |
| `OfferedTransfer` | 1 id bytes, 2 to string, 3 deadline_ms uint64 |
| `RightEnd` | 1 time_ms uint64, 2 reason string |
| `Licence` | 1 subject bytes, 2 above* bytes, 3 grantor string, 4 licensee string, 5 terms `LicenceTerms`, 6 position `Position`, 7 time_ms uint64 |
| `LicenceEnd` | 1 time_ms uint64, 2 organisation string, 3 reason string |
| `Authorisations` | 1 licences* `Authorisation`, 2 told_from_ms uint64 |
| `Authorisation` | 1 licence bytes, 2 above* bytes, 3 acts* enum, 4 territories* string, 5 from_ms uint64, 6 until_ms uint64, 7 ended_ms uint64 |
| `VouchedDesigner` | 1 vouchings uint64, 2 from_ms uint64, 3 until_ms uint64, 4 registered_as string |
| `Voucher` | 1 designers uint64, 2 rests* `VoucherRest`, 3 told_from_ms uint64 |
| `VoucherRest` | 1 from_ms uint64, 2 until_ms uint64 |
| `Vouching` | 1 voucher string, 2 designer string, 3 name string, 4 check enum, 5 check_words string, 6 from_ms uint64, 7 until_ms uint64, 8 position `Position`, 9 transaction_id bytes, 10 withdrawn? `VouchingWithdrawal`, 11 registered_as string |
| `VouchingWithdrawal` | 1 position `Position`, 2 time_ms uint64, 3 reason string |
| `Disclosure` | 1 salt bytes, 2 file_hashes* bytes, 3 title string, 4 time_ms uint64, 5 height uint64, 6 content? `DesignContent` |
| `ChangeRecord` | 1 change `Change`, 2 approvals* string, 3 effective_height uint64 |
| `DesignFile` | 1 link `Link` |
| `FingerprintCount` | 1 pictures uint64, 2 designs uint64 |
| `PublishedFingerprint` | 1 design_id bytes, 2 picture `PictureFingerprint` |
| `FeatureCount` | 1 pictures uint64 |
| `PublishedFeatures` | 1 design_id bytes, 2 specification bytes, 3 picture `PictureFeatures`, 4 position `Position`, 5 time_ms uint64 |
| `LookAlikes` | 1 specification bytes, 2 position `Position`, 3 time_ms uint64, 4 searched `FingerprintCount`, 5 pictures* `ComparedPicture` |
| `ComparedPicture` | 1 fingerprint `PictureFingerprint`, 2 found uint64, 3 candidates* `LookAlike` |
| `LookAlike` | 1 number uint64, 2 design_id bytes, 3 file_hash bytes, 4 distance uint32, 5 variant uint32, 6 part uint32, 7 organisation string, 8 deposited `Position`, 9 deposited_ms uint64 |
| `MissedTurns` | 1 missed* `MissedTurn`, 2 author string |
| `MissedTurn` | 1 public_key bytes, 2 count uint32, 3 until_height uint64 |
| `StateProof` | 1 other_leaf? `OtherLeaf`, 2 siblings* bytes |
| `OtherLeaf` | 1 key_hash bytes, 2 value_hash bytes |
| `Evidence` | 1 genesis bytes, 2 validator_set_changes* `ValidatorSetChange`, 3 anchor `CertifiedHeader`, \| 4 item string, \| 5 design bytes, 6 states* `State`, 7 links* `CompleteLink`, 8 blocks* `CertifiedHeader`, 9 transactions* `EvidenceTransaction`, 10 opening? `Opening`, 11 checkpoints* `Checkpoint`, 12 stamps* `Stamp`, 20 disputes? `ShownDisputes`, 21 questions* `AuthorisationQuestion` |
| `ShownDisputes` | 1 ids* bytes, 2 parties* string |
| `AuthorisationQuestion` | 1 seller string, 2 act enum, 3 territory string, 4 time_ms uint64 |
| `State` | 1 key bytes, 2 value? bytes, 3 proof `StateProof` |
| `CompleteLink` | 1 item string, 2 entries* bytes |
| `EvidenceTransaction` | 1 height uint64, 2 index uint32, 3 envelope bytes, 4 siblings* bytes |
| `Opening` | 1 salt bytes, 2 files* `OriginalFile`, 3 title string, 4 content? `DesignContent`, 5 drafts* bytes |
| `Draft` | 1 number uint64, 2 previous bytes, 3 time_ms uint64, 4 who string, 5 device string, 6 tool string, 7 files* `DraftFile` |
| `DraftFile` | 1 name bytes, 2 sha256 bytes, 3 bytes uint64 |
| `OriginalFile` | 1 sha256 bytes, 2 name string |
| `Checkpoint` | 1 first uint64, 2 last uint64, 3 authority string, 4 token bytes, 5 certificates* bytes |
| `Stamp` | 1 checkpoint uint32, 2 height uint64, 3 siblings* bytes |
| `CertifiedHeader` | 1 header bytes, 2 certificate `CommitCertificate` |
| `ValidatorSetChange` | 1 header `CertifiedHeader`, 2 next_validators `ValidatorSet` |
| `AuthorisationFile` | 1 validator_set_changes* `ValidatorSetChange`, 2 question `GetAuthorisationRequest`, 3 answer `AuthorisationReply` |
| `ReviewFile` | 1 validator_set_changes* `ValidatorSetChange`, 2 dispute bytes, 3 header `CertifiedHeader`, 4 values* `ProvenValue` |
| `GetAuthorisationRequest` | 1 subject bytes, 2 seller string, 3 act enum, 4 territory string, 5 time_ms uint64 |
| `AuthorisationReply` | 1 header `CertifiedHeader`, 2 values* `ProvenValue` |
| `ProvenValue` | 1 value? bytes, 2 proof? `StateProof` |
"""  # noqa: E501

SCALARS = ("uint32", "uint64", "enum")
# Messages around a message, at most.
MAX_DEPTH = 100


class Refusal(Exception):
    """What a verifier says about bytes from outside that the documents don't allow."""


def read_tables(text):
    """Message types by name: {field number: (name, type, rule)}, rule one of "", "?", "*", "|"."""
    messages = {}
    for line in text.splitlines():
        if not line.startswith("| `") or "` | 1 " not in line:
            continue
        name, rest = line[3:].split("` | ", 1)
        fields = {}
        for cell in rest.replace("\\|", "|").rstrip(" |").split(", "):
            member = cell.startswith("|")
            number, field, kind = cell.lstrip("| ").split()[:3]
            rule = "|" if member else field[-1] if field[-1] in "*?" else ""
            fields[int(number)] = (field.rstrip("*?"), kind.strip("`"), rule)
        messages[name] = fields
    return messages


MESSAGES = read_tables(TABLES)


def varint(n):
    """The least varint of a number below 2^64."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    """A number below 2^64 and the place after it; refuses one that isn't of the least length."""
    n = shift = 0
    while True:
        if at >= len(data):
            raise Refusal("an integer ends too early")
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise Refusal("an integer of more than ten bytes")
    if n >> 64 or (byte == 0 and shift):
        raise Refusal("an integer isn't a canonical varint")
    return n, at


def check_number(kind, n):
    """Requires that n fits its type; an enum is an int32, extended to 64 bits where negative."""
    if kind == "uint32" and n >> 32:
        raise Refusal("an integer is beyond uint32")
    if kind == "enum" and 0x7FFFFFFF < n < 0xFFFFFFFF80000000:
        raise Refusal("an enum is beyond int32")


def read_packed(data):
    """The numbers of a packed list of enums."""
    numbers, at = [], 0
    while at < len(data):
        n, at = read_varint(data, at)
        check_number("enum", n)
        numbers.append(n)
    return numbers


def decode(kind, data, depth=0):
    """Reads exact bytes as a message of the type named, in so many others; refuses what isn't canonical."""
    if depth > MAX_DEPTH:
        raise Refusal(f"{kind} lies in more than {MAX_DEPTH} messages")
    fields = MESSAGES[kind]
    message, last, at = {}, 0, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number = tag >> 3
        if number not in fields:
            raise Refusal(f"{kind} has no field {number}")
        name, of, rule = fields[number]
        packed = rule == "*" and of == "enum"
        if number < last or (number == last and (rule != "*" or packed)):
            raise Refusal(f"{kind}.{name} stands out of order or twice")
        last = number
        if tag & 7 != (0 if of in SCALARS and not packed else 2):
            raise Refusal(f"{kind}.{name} has a wrong wire type")
        if of in SCALARS and not packed:
            value, at = read_varint(data, at)
            check_number(of, value)
        else:
            size, at = read_varint(data, at)
            content = data[at : at + size]
            if len(content) != size:
                raise Refusal(f"{kind}.{name} ends too early")
            at += size
            value = read_content(kind, name, of, packed, content, depth)
        if (of in SCALARS or of in ("bytes", "string")) and (packed or rule == "") and not value:
            raise Refusal(f"{kind}.{name} is written although it is empty")
        if rule == "|" and any(message.get(other) is not None for other, _, r in fields.values() if r == "|"):
            raise Refusal(f"{kind} has two members of one choice")
        if rule == "*" and not packed:
            message.setdefault(name, []).append(value)
        else:
            message[name] = value
    return complete(kind, message)


def read_content(kind, name, of, packed, content, depth):
    """The value of a field with a length."""
    if packed:
        return read_packed(content)
    if of == "bytes":
        return content
    if of == "string":
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal(f"{kind}.{name} isn't UTF-8") from None
    return decode(of, content, depth + 1)


def complete(kind, message):
    """Adds the fields that aren't written, as the module's text says."""
    for name, of, rule in MESSAGES[kind].values():
        if name not in message:
            if rule == "*":
                message[name] = []
            elif rule:
                message[name] = None
            elif of in SCALARS:
                message[name] = 0
            elif of in ("bytes", "string"):
                message[name] = b"" if of == "bytes" else ""
            else:
                message[name] = decode(of, b"")
    return message


def encode(kind, message):
    """The canonical bytes of a message; fields that it doesn't name aren't set."""
    out = b""
    for number, (name, of, rule) in sorted(MESSAGES[kind].items()):
        value = message.get(name)
        if value is None or (rule == "*" and not value):
            continue
        if rule == "*" and of == "enum":
            packed = b"".join(map(varint, value))
            out += varint(number << 3 | 2) + varint(len(packed)) + packed
            continue
        for element in value if rule == "*" else [value]:
            if of in SCALARS:
                if element or rule:
                    out += varint(number << 3) + varint(element)
                continue
            content = element.encode() if of == "string" else element if of == "bytes" else encode(of, element)
            if content or rule or of not in ("string", "bytes"):
                out += varint(number << 3 | 2) + varint(len(content)) + content
    return out
