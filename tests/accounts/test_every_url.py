"""Access is denied until declared: every address says who may enter."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.access import Door, declaration

# Whoever adds an address here opens it to the whole world. Say why in its `@public(…)`.
PUBLIC = {
    "healthz",
    "accounts:sign_in",
    "accounts:invitation",
    "accounts:language",
    "accounts:imprint",
    "accounts:privacy",
    "accounts:accessibility",
    "accounts:feedback",
    "notifications:phones",  # in the demo only
    "notifications:mailbox",  # in the demo only
    "notifications:status",
    "scheduling:client_calendar",
    "scheduling:client_page",
    "scheduling:feed",
    "scheduling:incoming_text",
    "scheduling:interpreter_link",
}


def _patterns(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _patterns(entry, inner)
        else:
            yield f"{space}{entry.name or entry.pattern}", entry


# One name may have several addresses, such as a board with and without its month.
ALL = list(_patterns(get_resolver()))


def _behind(door: Door) -> set[str]:
    declared = ((name, declaration(entry.callback)) for name, entry in ALL)
    return {name for name, access in declared if access and access.door is door}


def test_every_view_declares_who_may_enter() -> None:
    assert [name for name, entry in ALL if declaration(entry.callback) is None] == []


def test_these_addresses_are_public_and_no_others() -> None:
    assert _behind(Door.PUBLIC) == PUBLIC


def test_each_public_address_says_why() -> None:
    for name, entry in ALL:
        access = declaration(entry.callback)
        if access and access.door is Door.PUBLIC:
            assert len(access.because) > 20, name


def test_only_the_second_factor_opens_after_the_password_alone() -> None:
    assert _behind(Door.AFTER_PASSWORD) == {
        "accounts:second_factor",
        "accounts:enrol",
        "accounts:qr_code",
        "accounts:sign_out",
    }
