#!/usr/bin/env python3
"""A client that was generated from a gateway's description captures, queries, subscribes and hands over.

    generated_client.py PACKAGE_FOLDER PORT GATEWAY OTHER_GATEWAY OTHER_ORGANISATION

The package `generated` lies in PACKAGE_FOLDER. Notices come to PORT of this machine, which the first gateway lists as
a destination.
"""

import hashlib
import hmac
import json
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

folder, port, gateway, other_gateway, other = sys.argv[1:]
sys.path.insert(0, folder)

from generated import Client  # noqa: E402
from generated.api.default import (  # noqa: E402
    answer_offer,
    capture,
    define_query,
    get_events_of_query,
    get_item,
    list_events,
    list_offers,
    list_subscriptions,
    offer,
    subscribe,
    unsubscribe,
)
from generated.models import (  # noqa: E402
    AnswerOfferAnswer,
    CaptureJsonBody,
    NamedQuery,
    NewSubscription,
    OfferJsonBody,
)

TOKEN = "a signature token of the generated client"
LAMP = "https://id.gs1.org/01/09521234500018/21/GENERATED"
WAIT = "wait=30"
notices: queue.Queue = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        expected = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(self.headers["gs1-signature"], "sha256=" + expected)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        notices.put(json.loads(body) if genuine else None)

    def log_message(self, *_: object) -> None:
        pass


def document(step: str, time: str) -> dict:
    return {
        "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": time,
        "epcisBody": {
            "eventList": [
                {
                    "type": "ObjectEvent",
                    "action": "OBSERVE",
                    "bizStep": step,
                    "eventTime": time,
                    "eventTimeZoneOffset": "+00:00",
                    "epcList": [LAMP],
                }
            ]
        },
    }


def things(answer: dict) -> list:
    events = answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return [event["epcList"] for event in events]


def answered(response, status: int):
    if response.status_code != status:
        sys.exit(f"{response.status_code} instead of {status}: {response.content!r}")
    return response.parsed


def done(response):
    job = answered(response, 200).to_dict()
    if not job["success"]:
        sys.exit(f"the job failed: {job}")
    return job


def until(holds, asked):
    """Asks again until it holds: another member's node may be a block behind."""
    for _ in range(300):
        answer = asked()
        if holds(answer):
            return answer
        time.sleep(0.2)
    sys.exit(f"in vain: {answer}")


server = HTTPServer(("127.0.0.1", int(port)), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
own = Client(base_url=gateway, timeout=60.0)
others = Client(base_url=other_gateway, timeout=60.0)

query = NamedQuery.from_dict({"name": "stored", "query": {"EQ_bizStep": ["storing"]}})
answered(define_query.sync_detailed(client=own, body=query), 201)
wish = NewSubscription.from_dict(
    {"dest": f"http://127.0.0.1:{port}/told", "signatureToken": TOKEN, "stream": True}
)
made = answered(subscribe.sync_detailed("stored", client=own, body=wish), 201)

body = CaptureJsonBody.from_dict(document("storing", "2026-03-01T08:30:00Z"))
done(capture.sync_detailed(client=own, body=body, prefer=WAIT))
told = notices.get(timeout=60)
assert told is not None, "a notice isn't signed by its token"
assert things(told) == [[LAMP]], told

found = answered(get_events_of_query.sync_detailed("stored", client=own), 200)
assert things(found.to_dict()) == [[LAMP]], found
found = answered(list_events.sync_detailed(client=own, match_epc=[LAMP]), 200)
assert things(found.to_dict()) == [[LAMP]], found

body = OfferJsonBody.from_dict(document("shipping", "2026-03-02T08:30:00Z"))
done(offer.sync_detailed(client=own, body=body, to=other, prefer=WAIT))
offers = until(len, lambda: answered(list_offers.sync_detailed(client=others), 200))
assert len(offers) == 1, offers
accepted = answer_offer.sync_detailed(
    offers[0].offer, AnswerOfferAnswer.ACCEPT, client=others, prefer=WAIT
)
done(accepted)
until(
    lambda item: item.status_code == 200 and other in item.content.decode(),
    lambda: get_item.sync_detailed(client=own, id=LAMP),
)

answered(unsubscribe.sync_detailed("stored", made.subscription_id, client=own), 204)
assert answered(list_subscriptions.sync_detailed("stored", client=own), 200) == []
print("captured, told, queried and handed over")
