"""What `make demo` prints when it is up."""

from deploy.demo.people import ACCOUNTS
from deploy.embedded.stack import Addresses
from deploy.settings import Settings

_TEXT = """
Heitu 黑土 is up ({seconds:.0f} s): {api}/

Logins (of the demonstration only):
{logins}

Things to try
  a token, then the newest values (HTTP, JSON):
    TOKEN=$(curl -s {api}/v1/auth/token -H 'Content-Type: application/json' \\
      -d '{{"login":"{login}","password":"{password}"}}' \\
      | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/')
    curl -s -H "Authorization: Bearer $TOKEN" '{api}/v1/latest?limit=3'
  a reading of your own (MQTT), seen at once on the try-it probe near Gongzhuling 公主岭:
    mosquitto_pub -h {mqtt_host} -p {mqtt_port} -q 1 -t heitu/v1/try-it/readings \\
      -m "{{\\"time\\":$(date +%s),\\"channel\\":\\"soil_moisture_10\\",\\"value\\":0.27}}"
  the same from Python:
    .venv/bin/python -c "import json, time, paho.mqtt.client as mqtt; \\
      c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2); \\
      c.connect('{mqtt_host}', {mqtt_port}); c.loop_start(); \\
      c.publish('heitu/v1/try-it/readings', json.dumps({{'time': time.time(), \\
      'values': {{'soil_temperature_10': 9.5}}}}), 1).wait_for_publish(5)"
  the accounts of every device: log in as operator, then GET {api}/v1/ledger
  the interface: {api}/openapi.json ; every verb: .venv/bin/python -m deploy --help

Data stay in {folder} (make reset-demo removes them). Stop with Ctrl-C.
"""


def text(settings: Settings, addresses: Addresses, seconds: float) -> str:
    """Return the welcome: address, logins, and lines that work as they stand."""
    first = ACCOUNTS[0]
    return _TEXT.format(
        seconds=seconds,
        api=addresses.api,
        logins="\n".join(
            f"  {a.login:11} {a.password:18} {a.name_zh} {a.name_en}" for a in ACCOUNTS
        ),
        login=first.login,
        password=first.password,
        mqtt_host=addresses.mqtt_host,
        mqtt_port=addresses.mqtt_port,
        folder=settings.folder,
    )
