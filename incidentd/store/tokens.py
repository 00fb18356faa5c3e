"""API tokens and the sessions of browsers that signed in with one; only digests are stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from incidentd.store.tables import ApiToken, WebSession


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for random secrets of 32 bytes, which cannot be guessed from a list."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(session: Session, name: str, now: datetime) -> str | None:
    """A new token, shown this once; None when the name is taken."""
    if session.get(ApiToken, name) is not None:
        return None
    token = "incidentd_" + secrets.token_urlsafe(32)
    session.add(ApiToken(name=name, digest=digest(token), created_at=now))
    return token


def revoke(session: Session, name: str) -> bool:
    """Whether there was such a token; browsers that signed in with it are signed out."""
    token = session.get(ApiToken, name)
    if token is None:
        return False
    session.connection().execute(delete(WebSession).where(col(WebSession.token_digest) == token.digest))
    session.delete(token)
    return True


def list_all(session: Session) -> list[ApiToken]:
    return list(session.exec(select(ApiToken).order_by(ApiToken.name)))


def name_of(session: Session, token: str) -> str | None:
    """Whose token it is."""
    return session.exec(select(ApiToken.name).where(ApiToken.digest == digest(token))).one_or_none()


def sign_in(session: Session, *, who: str, token: str, expires_at: datetime) -> str:
    """A new session's cookie value."""
    cookie = secrets.token_urlsafe(32)
    session.add(WebSession(digest=digest(cookie), who=who, token_digest=digest(token), expires_at=expires_at))
    return cookie


def session_of(session: Session, cookie: str, now: datetime) -> WebSession | None:
    """The session behind the cookie, None when it is unknown or has expired."""
    found = session.get(WebSession, digest(cookie))
    return found if found is not None and found.expires_at > now else None


def is_known(session: Session, token_digest: str) -> bool:
    """Whether a stored token has that digest."""
    return session.exec(select(ApiToken.name).where(ApiToken.digest == token_digest)).first() is not None


def sign_out(session: Session, cookie: str) -> None:
    session.connection().execute(delete(WebSession).where(col(WebSession.digest) == digest(cookie)))
