"""Groups of devices."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api import present
from api.dependencies import Reading, Writing, reads, writes
from api.paging import Page, paged
from api.schemas.groups import GroupChange, GroupIn, GroupList, GroupOut
from api.schemas.problem import ONE_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS
from api.schemas.shape import Id
from models.device import Group
from models.person import Action
from models.store import devices, places
from models.store import groups as store

router = APIRouter(tags=["devices"])


def _shown(access: present.Caller, it: Group) -> dict[str, Any]:
    return {
        "id": it.id,
        "key": it.key,
        "name": present.bilingual(it.name_zh, it.name_en),
        "region": present.region(access, it.region_code),
        "members": it.members,
    }


@router.get(
    "/v1/groups", summary="Groups of devices", response_model=GroupList, responses=READ_PROBLEMS
)
@reads(Action.READ)
def groups(access: Reading, page: Annotated[Page, Depends(paged("groups"))]) -> dict[str, Any]:
    """List groups of the account's region; /v1/devices?group= lists the members of one."""
    found = store.groups(access.tx, prefix=access.prefix, after=page.key, limit=page.one_more)
    rows, following = page.cut(found, lambda it: (it.id,))
    return {"items": [_shown(access, it) for it in rows], "next": following}


@router.post(
    "/v1/groups",
    status_code=201,
    summary="Register a group",
    response_model=GroupOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def add_group(access: Writing, given: GroupIn) -> dict[str, Any]:
    """Register a group of devices; its members lie in its region."""
    region = places.region(access.tx, given.region or access.person.region_code)
    access.inside(region.code)
    made = store.add(
        access.tx,
        key=given.key,
        name_zh=given.name.zh,
        name_en=given.name.en,
        region_code=region.code,
    )
    return _shown(access, made)


@router.get(
    "/v1/groups/{group_id}", summary="One group", response_model=GroupOut, responses=ONE_PROBLEMS
)
@reads(Action.READ)
def group(access: Reading, group_id: Id) -> dict[str, Any]:
    """Show one group."""
    return _shown(access, access.see(store.group(access.tx, group_id)))


@router.patch(
    "/v1/groups/{group_id}",
    summary="Change a group",
    response_model=GroupOut,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def change_group(access: Writing, group_id: Id, given: GroupChange) -> dict[str, Any]:
    """Rename a group, take devices in, let devices go."""
    it = access.see(store.group(access.tx, group_id))
    by = access.person.login
    if given.name is not None:
        store.rename(access.tx, it.id, given.name.zh, given.name.en)
    joining = [access.see(devices.device(access.tx, number)) for number in given.add]
    store.join(access.tx, it, joining, by)
    store.leave(access.tx, it.id, given.remove, by)
    return _shown(access, store.group(access.tx, it.id))


@router.delete(
    "/v1/groups/{group_id}",
    status_code=204,
    summary="Forget a group",
    response_model=None,
    responses=WRITE_PROBLEMS,
)
@writes(Action.REGISTER)
def remove_group(access: Writing, group_id: Id) -> None:
    """Forget a group that has no devices any more."""
    store.remove(access.tx, access.see(store.group(access.tx, group_id)))
