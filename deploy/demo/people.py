"""The demonstration's people. Their passwords are public: these logins exist only there."""

from models.errors import NotFound
from models.person import Role
from models.platform import DemoAccount
from models.store import people, places
from models.store.database import WriteTx

_PROVINCE, _CHANGCHUN, _YUSHU = "220000", "220100", "220182"

_SCOPES = {
    "visitor": _PROVINCE,
    "officer": _YUSHU,
    "agronomist": _CHANGCHUN,
    "operator": _PROVINCE,
}

ACCOUNTS = (
    DemoAccount("visitor", "heitu-visitor", Role.VIEWER, "访客", "Visitor"),
    DemoAccount(
        "officer", "heitu-officer", Role.OFFICER, "榆树市农技推广员", "Extension officer, Yushu"
    ),
    DemoAccount(
        "agronomist", "heitu-agronomist", Role.AGRONOMIST, "长春市农艺师", "Agronomist, Changchun"
    ),
    DemoAccount("operator", "heitu-operator", Role.OPERATOR, "省平台运维", "Operator, Jilin"),
)


def register(tx: WriteTx) -> None:
    """Create the logins that are not there yet."""
    for account in ACCOUNTS:
        region = _SCOPES[account.login]
        if people.person_by_login(tx, account.login) is not None:
            continue
        if not places.regions(tx, prefix=region):
            raise NotFound(noun="region", key=region)
        people.add_person(
            tx,
            login=account.login,
            password=account.password,
            name_zh=account.name_zh,
            name_en=account.name_en,
            role=Role(account.role),
            region_code=region,
        )
