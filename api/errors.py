"""Every error as RFC 9457 problem+json: one table from exception to status and words."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.language import language_of
from models import errors

log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
_LISTED = 20  # a body with 10,000 wrong items must not come back as 10,000 sentences


class UnknownParameter(errors.HeituError):
    """{name!r} is not a query parameter of this route; it takes: {known}."""


class RepeatedParameter(errors.HeituError):
    """The query parameter {name!r} is given more than once."""


class BadCursor(errors.HeituError):
    """'after' is not a cursor of this list; take it from 'next' of the page before."""


class TooManyAttempts(errors.HeituError):
    """Too many failed attempts; try again in {seconds} s."""


class TooManyListeners(errors.HeituError):
    """Too many listen to live values already; try again in {seconds} s."""


class WrongMediaType(errors.HeituError):
    """The body is {given!r}; send application/json."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error answers: `zh` fills the facts of the exception as its docstring does."""

    status: int
    slug: str
    title_zh: str
    title_en: str
    zh: str | None = None


_TABLE: dict[type[errors.HeituError], Kind] = {
    UnknownParameter: Kind(
        400, "unknown-parameter", "未知的查询参数", "Unknown query parameter",
        "此接口没有查询参数 {name!r}；可用参数：{known}。",
    ),
    RepeatedParameter: Kind(
        400, "repeated-parameter", "重复的查询参数", "Repeated query parameter",
        "查询参数 {name!r} 重复出现。",
    ),
    BadCursor: Kind(
        400, "bad-cursor", "游标无效", "Bad cursor",
        "after 不是本列表的游标；请使用上一页返回的 next。",
    ),
    errors.BadBody: Kind(
        400, "bad-body", "请求体无法读取", "Body cannot be read", "请求体无法读取：{why}。"
    ),
    errors.BodyTooLarge: Kind(
        413, "too-large", "请求体过大", "Request body too large",
        "请求体含 {n} {what}，上限为 {most}。",
    ),
    errors.BadQuery: Kind(
        400, "bad-query", "查询选项无效", "Bad query option", "查询选项 {option} 无效：{why}。"
    ),
    errors.Unauthenticated: Kind(
        401, "unauthenticated", "未登录", "Not logged in",
        "请先登录：用 POST /v1/auth/token 取得令牌，并以 'Authorization: Bearer <令牌>' 发送。",
    ),
    errors.Forbidden: Kind(
        403,
        "forbidden",
        "没有权限",
        "Not permitted",
        "此账号无权进行该操作（{action}）；需要：{needs}。",
    ),
    errors.NotFound: Kind(404, "not-found", "不存在", "Not found", "没有找到 {noun} {key!r}。"),
    errors.InUse: Kind(409, "in-use", "仍在使用", "In use", "{noun} {key!r} 仍在使用：{why}。"),
    errors.ClaimRefused: Kind(
        404, "claim-refused", "认领码无效", "Claim refused",
        "此认领码在这里无效：有误、已使用，或属于其他地区。",
    ),
    errors.Conflict: Kind(409, "conflict", "已存在", "Conflict", "{noun} {key!r} 已经存在。"),
    errors.AuditBroken: Kind(
        409,
        "audit-broken",
        "审计不一致",
        "Audit broken",
        "已存的 {noun} {key!r} 重放结果不一致。",
    ),
    WrongMediaType: Kind(
        415, "media-type", "不支持的内容类型", "Unsupported media type",
        "请求体类型为 {given!r}；请发送 application/json。",
    ),
    errors.Invalid: Kind(422, "invalid", "输入无效", "Invalid input"),
    errors.UnknownQuantity: Kind(
        422, "unknown-quantity", "未知的观测量", "Unknown quantity", "平台没有观测量 {key!r}。"
    ),
    errors.UnknownUnit: Kind(
        422, "unknown-unit", "未知的单位", "Unknown unit",
        "{unit!r} 不是 {quantity} 的单位；可用：{known}。",
    ),
    errors.TooBroad: Kind(
        422, "too-broad", "查询范围过大", "Question too broad",
        "该查询需要超过 {seconds} 秒，请缩小范围。",
    ),
    TooManyAttempts: Kind(
        429, "too-many-attempts", "尝试过于频繁", "Too many attempts",
        "失败次数过多，请在 {seconds} 秒后重试。",
    ),
    TooManyListeners: Kind(
        429, "too-many-listeners", "实时连接过多", "Too many listeners",
        "实时数据的连接已满，请在 {seconds} 秒后重试。",
    ),
    errors.Unavailable: Kind(
        503, "unavailable", "服务暂不可用", "Temporarily unavailable",
        "{part} 暂不可用：{why}",
    ),
    errors.HeituError: Kind(500, "internal", "内部错误", "Internal error"),
}  # fmt: skip

_HTTP = {
    400: ("bad-request", "请求无法解析", "Bad request"),
    404: ("not-found", "不存在", "Not found"),
    405: ("method-not-allowed", "不支持的方法", "Method not allowed"),
    413: ("too-large", "请求体过大", "Request body too large"),
    500: ("internal", "内部错误", "Internal error"),
}


def kind_of(error: errors.HeituError) -> Kind:
    """Find the row of an error, or of its nearest ancestor in the table."""
    return next(_TABLE[cls] for cls in type(error).__mro__ if cls in _TABLE)


def problem(
    request: Request,
    status: int,
    slug: str,
    titles: tuple[str, str],
    details: tuple[str, str],
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Build a problem document; ``titles`` and ``details`` are (zh, en)."""
    language = language_of(request.headers.get("accept-language"))
    which = 0 if language == "zh" else 1
    body = {
        "type": f"urn:heitu:problem:{slug}",
        "title": titles[which],
        "status": status,
        "detail": writable(details[which]),
        "instance": writable(request.url.path),
        **members,
    }
    more = {"Content-Language": language, "Vary": "Accept-Language", **(headers or {})}
    return Response(msgspec.json.encode(body), status, more, PROBLEM)


def writable(text: str) -> str:
    """Make text safe to encode: a lone surrogate becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def platform_error(request: Request, error: Exception) -> Response:
    """Answer an error of the platform's own tree."""
    assert isinstance(error, errors.HeituError)
    kind = kind_of(error)
    titles = (kind.title_zh, kind.title_en)
    zh = _in_chinese(kind, error)
    return problem(request, kind.status, kind.slug, titles, (zh, error.message), _headers(error))


def _in_chinese(kind: Kind, error: errors.HeituError) -> str:
    own = error.facts.get("zh")
    if own is not None:
        return str(own)
    try:
        return kind.zh.format(**error.facts) if kind.zh else error.message
    except (KeyError, IndexError):
        return error.message


def _headers(error: errors.HeituError) -> dict[str, str]:
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="heitu"'}
    if isinstance(error, TooManyAttempts | TooManyListeners):
        return {"Retry-After": str(error.facts.get("seconds", 60))}
    return {"Retry-After": "5"} if isinstance(error, errors.Unavailable) else {}


def validation_error(request: Request, error: Exception) -> Response:
    """Answer input that does not fit the shape of the route, with every place named."""
    assert isinstance(error, RequestValidationError)
    found = [_place(item) for item in error.errors()]
    n = len(found)
    details = (
        f"请求中有 {n} 处不符合要求，见 errors。",
        f"{n} part(s) of the request do not fit; see errors.",
    )
    titles = ("输入无效", "Invalid input")
    return problem(request, 422, "invalid", titles, details, errors=found[:_LISTED])


def _place(item: Mapping[str, Any]) -> dict[str, str]:
    where, *path = item["loc"] or ("body",)
    field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return {
        "in": str(where),
        "field": writable(field)[:200],
        "message": writable(str(item["msg"]))[:500],
    }


def http_error(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: no such path, method not allowed, cut body."""
    assert isinstance(error, HTTPException)
    slug, zh, en = _HTTP.get(error.status_code, ("error", "请求失败", "Request failed"))
    headers = dict(error.headers or {})
    details = (f"{zh}：{request.method} {request.url.path}", f"{en}: {error.detail}")
    if error.status_code == 405:
        headers["Allow"] = ", ".join(request.app.state.methods(request.url.path))
        details = (f"此地址支持：{headers['Allow']}。", f"This address takes {headers['Allow']}.")
    if error.status_code == 404 and error.detail == "Not Found":
        details = (f"没有地址 {request.url.path}。", f"There is nothing at {request.url.path}.")
    return problem(request, error.status_code, slug, (zh, en), details, headers)


def last_resort(request: Request, error: Exception) -> Response:
    """Answer a fault of our own with an id that the log carries too; never its text."""
    number = uuid.uuid4().hex[:12]
    log.error("fault %s in %s %s", number, request.method, request.url.path, exc_info=error)
    details = (
        f"内部错误，编号 {number}，已记录。",
        f"Internal error {number}; it has been logged.",
    )
    return problem(request, 500, "internal", ("内部错误", "Internal error"), details, id=number)


def answer_errors(app: FastAPI) -> None:
    """Register the handlers of every kind of error."""
    app.add_exception_handler(errors.HeituError, platform_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, last_resort)
