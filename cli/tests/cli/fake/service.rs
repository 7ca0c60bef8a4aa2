//! The gRPC service of the fake.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::channel::mpsc;
use futures::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use touchstone_core::designs::authorised::SaleQuestion;
use touchstone_core::governance::organisation;
use touchstone_core::hash::Hash;
use touchstone_core::proof::authorisation;
use touchstone_core::state;
use touchstone_core::state::{StateRead, keys};
use touchstone_core::{Rejection, transaction};
use touchstone_pictures::{Features, RegionIndex, RegionQuery};
use touchstone_proto::ledger::PictureFingerprint;
use touchstone_proto::node::ledger_server::Ledger;
use touchstone_proto::node::*;

use super::faults::{Fault, Faults, TOO_LONG, away};
use super::world::{GENESIS_MS, World};

pub struct Service(pub Arc<Mutex<World>>, pub Arc<Faults>);

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    async fn answer<T: 'static>(&self, make: impl FnOnce(&mut World) -> T) -> Answer<T> {
        let fault = self.1.step();
        match fault {
            Some(Fault::Refuse | Fault::PoolFull) => return Err(away()),
            Some(Fault::Kill) => return Err(self.1.kill()),
            _ => {}
        }
        let reply = {
            let mut world = self.world();
            world.answers += 1;
            if let Some(left) = world.grows.checked_sub(1) {
                world.grows = left;
                world.make_block(&[]);
            }
            let mut reply = make(&mut world);
            if let Some(tamper) = &world.tamper {
                tamper(&mut reply);
            }
            reply
        };
        match fault {
            Some(Fault::KillAfter) => Err(self.1.kill()),
            Some(Fault::Delay) => {
                tokio::time::sleep(TOO_LONG).await;
                Ok(Response::new(reply))
            }
            _ => Ok(Response::new(reply)),
        }
    }
}

/// A stream of submissions.
struct Submissions {
    world: Arc<Mutex<World>>,
    faults: Arc<Faults>,
    answers: mpsc::UnboundedSender<Result<TransactionStatus, Status>>,
}

impl Submissions {
    async fn serve(self, mut requests: Streaming<SubmitRequest>) {
        let mut waiting = Vec::new();
        loop {
            let pause = std::time::Duration::from_millis(20);
            let reverses = self.world.lock().unwrap().reverses;
            match tokio::time::timeout(pause, requests.next()).await {
                Ok(Some(Ok(request))) => waiting.push(request),
                Ok(_) => return,
                Err(_) => {}
            }
            if reverses && !waiting.is_empty() {
                // Take in all that is under way before any of it is recorded.
                while let Ok(Some(Ok(request))) = tokio::time::timeout(pause, requests.next()).await
                {
                    waiting.push(request);
                }
            }
            for request in waiting.drain(..).rev() {
                match self.world.lock().unwrap().patience.as_mut() {
                    Some(0) => continue,
                    Some(left) => *left -= 1,
                    None => {}
                }
                let status = match self.faults.step() {
                    Some(Fault::Refuse) => Err(away()),
                    Some(Fault::Kill) => Err(self.faults.kill()),
                    Some(Fault::PoolFull) => Ok(pool_full(&request.envelope, &self.world)),
                    Some(Fault::Delay) => {
                        tokio::time::sleep(TOO_LONG).await;
                        Ok(self.submit(request.envelope))
                    }
                    Some(Fault::KillAfter) => {
                        self.submit(request.envelope);
                        Err(self.faults.kill())
                    }
                    Some(Fault::Repeat) => {
                        self.submit(request.envelope.clone());
                        Ok(self.submit(request.envelope))
                    }
                    None => Ok(self.submit(request.envelope)),
                };
                if !self.answer(status).await {
                    return;
                }
            }
        }
    }

    fn submit(&self, envelope: Vec<u8>) -> TransactionStatus {
        let mut world = self.world.lock().unwrap();
        let mut status = world.submit(envelope);
        if let Some(tamper) = &world.tamper {
            tamper(&mut status);
        }
        status
    }

    /// Whether the stream goes on.
    async fn answer(&self, status: Result<TransactionStatus, Status>) -> bool {
        let send = |status| self.answers.unbounded_send(status).is_ok();
        match (status, self.faults.step()) {
            (Err(ended), _) => {
                send(Err(ended));
                false
            }
            (Ok(_), Some(Fault::Refuse)) => {
                send(Err(away()));
                false
            }
            (Ok(_), Some(Fault::Kill | Fault::KillAfter)) => {
                send(Err(self.faults.kill()));
                false
            }
            // Never told.
            (Ok(_), Some(Fault::PoolFull)) => true,
            (Ok(status), Some(Fault::Delay)) => {
                tokio::time::sleep(TOO_LONG).await;
                send(Ok(status))
            }
            (Ok(status), Some(Fault::Repeat)) => send(Ok(status.clone())) && send(Ok(status)),
            (Ok(status), None) => send(Ok(status)),
        }
    }
}

/// Who answers a stream of questions, and the questions.
type Asked = (Service, Streaming<GetItemRequest>);

/// The answer to the next question about an item, and what the stream goes on with.
async fn next_on_stream(
    (service, mut questions): Asked,
) -> Result<Option<(ItemReply, Asked)>, Status> {
    let Some(request) = questions.message().await? else {
        return Ok(None);
    };
    let answer = service.answer(|w| {
        w.streamed += 1;
        w.item(&request)
    });
    let reply = answer.await?.into_inner();
    Ok(Some((reply, (service, questions))))
}

fn pool_full(envelope: &[u8], world: &Mutex<World>) -> TransactionStatus {
    let world = world.lock().unwrap();
    let id = transaction::id_of_envelope(&world.genesis.chain_id, envelope).unwrap();
    let full = Rejection::PoolFull;
    TransactionStatus {
        id: id.to_vec(),
        status: Some(transaction_status::Status::Rejected(Rejected {
            code: full.code(),
            rule: full.rule().into(),
            message: full.to_string(),
            event: None,
        })),
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    type SubmitManyStream = BoxStream<'static, Result<TransactionStatus, Status>>;
    type AskItemsStream = BoxStream<'static, Result<ItemReply, Status>>;
    type SubscribeBlocksStream = BoxStream<'static, Result<BlockReply, Status>>;

    async fn submit(&self, request: Request<SubmitRequest>) -> Answer<TransactionStatus> {
        self.answer(|w| w.submit(request.into_inner().envelope))
            .await
    }

    async fn submit_many(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Answer<Self::SubmitManyStream> {
        match self.1.step() {
            Some(Fault::Refuse | Fault::PoolFull) => return Err(away()),
            Some(Fault::Kill | Fault::KillAfter) => return Err(self.1.kill()),
            Some(Fault::Delay) => tokio::time::sleep(TOO_LONG).await,
            Some(Fault::Repeat) | None => {}
        }
        let (answers, stream) = mpsc::unbounded();
        let submissions = Submissions {
            world: self.0.clone(),
            faults: self.1.clone(),
            answers,
        };
        tokio::spawn(submissions.serve(request.into_inner()));
        Ok(Response::new(stream.boxed()))
    }

    async fn get_transaction(
        &self,
        request: Request<GetTransactionRequest>,
    ) -> Answer<TransactionStatus> {
        let request = request.into_inner();
        self.answer(|w| w.status(&request.id, request.with_proof))
            .await
    }

    async fn get_item(&self, request: Request<GetItemRequest>) -> Answer<ItemReply> {
        self.answer(|w| w.item(&request.into_inner())).await
    }

    async fn ask_items(
        &self,
        request: Request<Streaming<GetItemRequest>>,
    ) -> Answer<Self::AskItemsStream> {
        if !self.world().takes_streams {
            return Err(Status::unimplemented(""));
        }
        let service = Service(self.0.clone(), self.1.clone());
        let questions = request.into_inner();
        let answers = futures::stream::try_unfold((service, questions), next_on_stream);
        Ok(Response::new(answers.boxed()))
    }

    async fn get_items(&self, request: Request<GetItemsRequest>) -> Answer<ItemsReply> {
        if self.world().is_older {
            return Err(Status::unimplemented(""));
        }
        self.answer(|w| w.items(&request.into_inner())).await
    }

    async fn get_design(&self, request: Request<GetDesignRequest>) -> Answer<DesignReply> {
        let id: Hash = request.into_inner().id.try_into().unwrap();
        self.answer(|w| DesignReply {
            record: Some(w.state(keys::design(&id))),
        })
        .await
    }

    async fn get_designs_by_file(
        &self,
        request: Request<GetDesignsByFileRequest>,
    ) -> Answer<DesignsByFileReply> {
        self.answer(|w| w.designs_by_file(&request.into_inner()))
            .await
    }

    async fn get_organisation(
        &self,
        request: Request<GetOrganisationRequest>,
    ) -> Answer<StateReply> {
        self.answer(|w| w.state(keys::organisation(&request.into_inner().id)))
            .await
    }

    async fn get_change(&self, request: Request<GetChangeRequest>) -> Answer<StateReply> {
        let id: Hash = request.into_inner().id.try_into().unwrap();
        self.answer(|w| w.state(keys::change(&id))).await
    }

    async fn get_record(&self, request: Request<GetRecordRequest>) -> Answer<StateReply> {
        self.answer(|w| w.state(request.into_inner().key)).await
    }

    async fn compare_picture(
        &self,
        request: Request<ComparePictureRequest>,
    ) -> Answer<ComparePictureReply> {
        let request = request.into_inner();
        self.answer(|w| {
            let wanted = state::stored_fingerprint(&PictureFingerprint {
                file_hash: Vec::new(),
                whole: request.whole,
                trimmed: request.trimmed,
                whole_quality: request.whole_quality,
                trimmed_quality: request.trimmed_quality,
            })
            .unwrap();
            let count = state::fingerprint_count(&*w).unwrap().pictures;
            let compared = w.compare(&wanted, count).unwrap();
            ComparePictureReply {
                searched: Some(w.state(keys::FINGERPRINTS.to_vec())),
                found: compared.found,
                nearest: compared.named().iter().map(|hit| hit.number).collect(),
            }
        })
        .await
    }

    async fn find_regions(&self, request: Request<FindRegionsRequest>) -> Answer<FindRegionsReply> {
        let request = request.into_inner();
        self.answer(|w| {
            let read = |bytes: &[u8]| Features::from_bytes(bytes, 800, 1000).unwrap();
            let query = RegionQuery {
                plain: read(&request.plain),
                mirrored: read(&request.mirrored),
                fine: read(&request.fine),
                windows: request.windows.iter().map(|window| read(window)).collect(),
            };
            let mut index = RegionIndex::default();
            while let Ok((_, picture)) = state::published_features(&*w, index.count()) {
                index.push(&picture);
            }
            let hits = index.search(&query, || true);
            FindRegionsReply {
                published: Some(w.state(keys::FEATURES.to_vec())),
                searched: index.count(),
                is_cut_short: false,
                pictures: hits.iter().map(|hit| hit.number).collect(),
            }
        })
        .await
    }

    async fn get_authorisation(
        &self,
        request: Request<GetAuthorisationRequest>,
    ) -> Answer<AuthorisationReply> {
        let request = request.into_inner();
        self.answer(|w| {
            let asked = SaleQuestion {
                subject: request.subject.clone().try_into().unwrap(),
                act: request.act(),
                seller: request.seller,
                territory: request.territory,
                at_ms: request.time_ms,
            };
            let keys = authorisation::keys(&*w, &asked).unwrap();
            let values = keys.into_iter().map(|key| match key {
                None => ProvenValue::default(),
                Some(key) => {
                    let StateReply { value, proof, .. } = w.state(key);
                    ProvenValue { value, proof }
                }
            });
            AuthorisationReply {
                values: values.collect(),
                header: w.certified(w.height()),
            }
        })
        .await
    }

    async fn list_organisations(
        &self,
        _: Request<ListOrganisationsRequest>,
    ) -> Answer<ListOrganisationsReply> {
        self.answer(|w| {
            let list = w
                .values
                .get(keys::ORGANISATIONS)
                .cloned()
                .unwrap_or_default();
            let ids = organisation::ids(&list).unwrap();
            let mut organisations = vec![w.state(keys::ORGANISATIONS.to_vec())];
            organisations.extend(ids.iter().map(|id| w.state(keys::organisation(id))));
            ListOrganisationsReply { organisations }
        })
        .await
    }

    async fn get_validators(&self, _: Request<GetValidatorsRequest>) -> Answer<ValidatorsReply> {
        self.answer(|w| {
            let header = w.certified(w.height());
            let hash = w.blocks.last().map(|(b, _)| b.header.validators_hash);
            let current = Some(w.validators.hash()) == hash;
            let set = if current {
                &w.validators
            } else {
                &w.genesis.validators
            };
            ValidatorsReply {
                header,
                validators: Some(set.message()),
            }
        })
        .await
    }

    async fn get_block(&self, request: Request<GetBlockRequest>) -> Answer<BlockReply> {
        let request = request.into_inner();
        let Some(get_block_request::Block::Height(height)) = request.block else {
            return Err(Status::unimplemented("by height only"));
        };
        let is_there = {
            let world = self.world();
            world.certified(height).is_some() && world.denied != Some(height)
        };
        if !is_there {
            return Err(Status::not_found("no such block"));
        }
        self.answer(|w| {
            let mut reply = w.block(height, request.with_transactions).unwrap();
            if request.with_proof && height < w.height() {
                reply.proof = Some(w.state(keys::block(height)));
            }
            reply
        })
        .await
    }

    async fn subscribe_blocks(
        &self,
        request: Request<SubscribeBlocksRequest>,
    ) -> Answer<Self::SubscribeBlocksStream> {
        let request = request.into_inner();
        let world = self.world();
        let from = request.from_height.max(1);
        let blocks: Vec<_> = (from..=world.height())
            .filter_map(|height| world.block(height, request.with_transactions))
            .map(|mut reply| {
                if let Some(tamper) = &world.tamper {
                    tamper(&mut reply);
                }
                Ok(reply)
            })
            .collect();
        Ok(Response::new(futures::stream::iter(blocks).boxed()))
    }

    async fn get_validator_set_changes(
        &self,
        request: Request<GetValidatorSetChangesRequest>,
    ) -> Answer<ValidatorSetChangesReply> {
        let from = request.into_inner().from_height;
        self.answer(|w| {
            w.asked_from.push(from);
            let height = |h: &ValidatorSetChange| {
                let header = &h.header.as_ref().unwrap().header;
                touchstone_core::block::Header::decode(header)
                    .unwrap()
                    .height
            };
            let all = w.set_changes.iter().filter(|h| height(h) >= from);
            // One at a time: a client asks on.
            ValidatorSetChangesReply {
                changes: all.take(1).cloned().collect(),
            }
        })
        .await
    }

    type GetEvidenceStream = BoxStream<'static, Result<EvidencePiece, Status>>;

    async fn get_evidence(
        &self,
        request: Request<GetEvidenceRequest>,
    ) -> Answer<Self::GetEvidenceStream> {
        if self.world().is_endless {
            let nothing = futures::stream::unfold((), |()| async {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                Some((Ok::<_, Status>(EvidencePiece::default()), ()))
            });
            return Ok(Response::new(nothing.boxed()));
        }
        let piece = self
            .answer(|w| EvidencePiece {
                bytes: w.evidence_file(request.into_inner()),
            })
            .await?;
        Ok(Response::new(
            futures::stream::iter([Ok(piece.into_inner())]).boxed(),
        ))
    }

    type TraceStream = BoxStream<'static, Result<TraceReply, Status>>;

    async fn trace(&self, request: Request<TraceRequest>) -> Answer<Self::TraceStream> {
        let reply = self.answer(|w| w.trace(&request.into_inner())).await?;
        let reply = futures::stream::iter([Ok(reply.into_inner())]);
        Ok(Response::new(reply.boxed()))
    }

    async fn get_misbehaviour(
        &self,
        _: Request<GetMisbehaviourRequest>,
    ) -> Answer<MisbehaviourReply> {
        self.answer(|w| MisbehaviourReply {
            evidence: w.evidence.clone(),
        })
        .await
    }

    async fn list_checkpoints(
        &self,
        request: Request<ListCheckpointsRequest>,
    ) -> Answer<ListCheckpointsReply> {
        let request = request.into_inner();
        self.answer(|w| {
            let after = (request.after_authority, request.after_last);
            let key = |c: &StampedRange| (c.authority.clone(), c.last);
            let all = w.checkpoints.iter();
            // One at a time: a client asks on.
            let next = all.filter(|c| c.last >= request.from_height && key(c) > after);
            ListCheckpointsReply {
                checkpoints: next.take(1).cloned().collect(),
            }
        })
        .await
    }

    async fn get_status(&self, _: Request<GetStatusRequest>) -> Answer<NodeStatus> {
        self.answer(|w| NodeStatus {
            chain_id: w.genesis.chain_id.to_vec(),
            chain_name: w.genesis.document.chain.clone(),
            height: w.height(),
            time_ms: GENESIS_MS + w.height() * 1000,
            version: "test".into(),
            validator: true,
            halt: w.halt.clone(),
            ..NodeStatus::default()
        })
        .await
    }
}
