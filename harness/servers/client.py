"""The only door to ``openai``: one request, sent again where that may help, and read with care.

The library reads a dozen variables of the environment (a key, an address, an organisation, further
headers) and would send what it finds there to whatever server it talks to. Here it sends nothing of
the kind: what leaves is decided in one place, header by header, just before it does. Proxies of the
environment and ``.netrc`` are not used and redirects not followed, as each may give the key to
somebody else.
"""

from collections.abc import Mapping
from typing import Any

import openai

from harness.records import JSON
from harness.servers.faults import ServerError, connection_fault, status_fault, strange_fault
from harness.servers.key import Key
from harness.servers.spec import ServerSpec

_SENT = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}
)
"""Headers that leave as the library made them; no other does."""
_AGENT = "mt-tuning-harness"
_CONNECT_S = 10.0


class Client:
    """Asks one server; may be used by several threads.

    Args:
        spec: The server.
        key: Its key.
    """

    def __init__(self, spec: ServerSpec, key: Key) -> None:
        self._spec, self._key = spec, key
        patience = openai.Timeout(spec.timeout_s, connect=min(_CONNECT_S, spec.timeout_s))
        self._http = openai.DefaultHttpxClient(
            timeout=patience,
            trust_env=False,
            follow_redirects=False,
            event_hooks={"request": [self._leave]},
        )
        self._openai = openai.OpenAI(
            base_url=spec.url,
            # all set, so that nothing is looked for in the environment; `_leave` drops them again
            api_key="none",
            admin_api_key="none",
            organization="none",
            project="none",
            webhook_secret="none",
            timeout=patience,
            max_retries=spec.retries,
            http_client=self._http,
        )

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def post(self, path: str, body: Mapping[str, JSON]) -> Any:
        """The server's answer to a request, as plain JSON; ``harness.servers.wire`` reads it.

        Raises:
            ServerError: It could not be reached, refused, or gave something else.
        """
        fault: ServerError
        try:
            reply = self._openai.post(path, body=dict(body), cast_to=object)
        except openai.APIStatusError as error:
            fault = status_fault(self._spec, self._key, error.status_code, error.response.text)
        except openai.APITimeoutError:
            fault = connection_fault(self._spec, f"no answer in {self._spec.timeout_s:g} seconds")
        except openai.APIConnectionError as error:
            reason = str(error.__cause__ or error.message)
            fault = connection_fault(self._spec, self._key.hidden_in(reason))
        except (openai.OpenAIError, ValueError) as error:  # what calls itself JSON and is none
            fault = strange_fault(self._spec, self._key.hidden_in(str(error)))
        else:
            if isinstance(reply, dict):
                return reply
            fault = strange_fault(self._spec, self._key.hidden_in(str(reply)))
        # raised out here, where no error of the library's, with its request, hangs on
        raise fault

    def _leave(self, request: Any) -> None:
        for name in set(request.headers) - _SENT:
            del request.headers[name]
        request.headers["User-Agent"] = _AGENT
        if self._key.header is not None:
            request.headers["Authorization"] = self._key.header
