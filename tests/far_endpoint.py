"""A JSON-RPC endpoint that is somebody else's: another chain of ours, served over real HTTP."""

import json
import threading
import time
from contextlib import contextmanager

import uvicorn


class Answering:
    """The far chain's HTTP server; `lost` counts answers that never arrive, `absent` are methods it has not."""

    def __init__(self, chain):
        self.chain, self.lost, self.absent, self.secret, self.seen = chain, 0, set(), "", []

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        call = json.loads(body)
        answer = self.chain.rpc(body)
        if call["method"] in self.absent:
            error = {"code": -32601, "message": "Method not found"}
            answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
        status = 200
        if call["method"] == "eth_sendRawTransaction" and self.lost:
            self.lost -= 1
            status, answer = 502, b"<html>bad gateway</html>"  # the chain has it; who sent it does not know
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def served(application):
    config = uvicorn.Config(application, port=0, lifespan="off", log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/rpc"
    finally:
        server.should_exit = True
        thread.join(10)
