"""Log in, log out, who am I, what is this."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from api import present
from api.dependencies import Reading, Writing, reads, writes
from api.schemas.account import About, Credentials, PersonOut, TokenOut
from api.schemas.problem import PUBLIC_PROBLEMS, READ_PROBLEMS, problems
from models.errors import Unauthenticated
from models.person import Action
from models.platform import Platform
from models.store import people

router = APIRouter(tags=["account"])
_LIFETIME = timedelta(hours=12)  # a working day; an officer logs in each morning
BOUNDARIES = {
    "zh": "行政区划：天地图（国家地理信息公共服务平台）",
    "en": "Boundaries: Tianditu, National Platform for Common Geospatial Information Services",
}
IMAGERY = {
    "zh": "影像：含经修改的哥白尼 Sentinel 数据",
    "en": "Imagery: contains modified Copernicus Sentinel data",
}


@router.post(
    "/v1/auth/token",
    summary="Log in",
    response_model=TokenOut,
    responses=problems(401, 413, 415, 429),
)
def log_in(request: Request, response: Response, given: Credentials) -> dict[str, Any]:
    """Exchange login and password for a token that lasts twelve hours."""
    state = request.app.state
    address = request.client.host if request.client else ""
    state.attempts.check(address, given.login)
    with state.platform.database.writing() as tx:
        try:
            token, expires, person = people.log_in(
                tx, given.login, given.password.get_secret_value(), _LIFETIME
            )
        except Unauthenticated:
            state.attempts.failed(address, given.login)
            raise
        name = state.directory.name(tx, person.region_code)
    state.attempts.succeeded(address, given.login)
    response.headers["Cache-Control"] = "no-store"
    return {
        "access_token": token,
        "expires_at": expires,
        "person": present.person(person, name),
    }


@router.delete(
    "/v1/auth/token",
    status_code=204,
    summary="Log out",
    response_class=Response,
    responses=READ_PROBLEMS,
)
@writes(Action.READ)
def log_out(access: Writing, request: Request) -> None:
    """Revoke the token this request was sent with."""
    people.log_out(access.tx, access.token)
    request.app.state.visitors.forget(access.token)


@router.get("/v1/me", summary="Who am I", response_model=PersonOut, responses=READ_PROBLEMS)
@reads(Action.READ)
def me(access: Reading) -> dict[str, Any]:
    """Show the account of the token, its role and its region."""
    code = access.person.region_code
    return present.person(access.person, access.directory.name(access.tx, code))


@router.get("/v1/about", summary="About", response_model=About, responses=PUBLIC_PROBLEMS)
def about(request: Request) -> dict[str, Any]:
    """Show name, version, attributions and, in the demonstration only, its logins."""
    platform: Platform = request.app.state.platform
    accounts = [
        {
            "login": account.login,
            "password": account.password,
            "role": account.role,
            "name_zh": account.name_zh,
            "name_en": account.name_en,
        }
        for account in platform.demo_accounts
    ]
    return {
        "name": "黑土 Heitu",
        "version": platform.version,
        "demo": bool(accounts),
        "demo_accounts": accounts,
        "attribution": [BOUNDARIES, IMAGERY],
        "map_approval_number": platform.map_approval_number,
        "time_zone": "Asia/Shanghai",
    }
