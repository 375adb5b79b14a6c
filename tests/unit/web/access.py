"""Who may do what: one row for every route of the API and every request over Socket.IO.

`test_access.py` calls each as everybody, and fails for a route that has no row here.
"""

from typing import NamedTuple

PUBLIC, USER, ADMIN = "public", "user", "admin"


class Route(NamedTuple):
    """A route: `who` is the least that one has to be."""

    method: str
    rule: str
    who: str


_ROUTES = """
GET     /healthz                                        public
GET     /readyz                                         public
GET     /metrics                                        public
GET     /authority.pem                                  public
GET     /api/v1/openapi.json                            public

POST    /api/v1/session                                 public
GET     /api/v1/session                                 user
DELETE  /api/v1/session                                 public
GET     /api/v1/start                                   user
GET     /api/v1/start/sip                               user

GET     /api/v1/people                                  user
GET     /api/v1/people/<number>                         user
PUT     /api/v1/people/<number>/favourite               user
DELETE  /api/v1/people/<number>/favourite               user

GET     /api/v1/me                                      user
PATCH   /api/v1/me                                      user
PUT     /api/v1/me/password                             user
GET     /api/v1/me/sessions                             user
DELETE  /api/v1/me/sessions/<session_id>                user
GET     /api/v1/me/devices                              user
POST    /api/v1/me/devices                              user
DELETE  /api/v1/me/devices/<sip_name>                   user
GET     /api/v1/provisioning/<token>                    public
GET     /api/v1/me/forwarding                           user
PUT     /api/v1/me/forwarding                           user
GET     /api/v1/me/forwarding/history                   user
POST    /api/v1/me/forwarding/simulate                  user
GET     /api/v1/me/calls                                user
PUT     /api/v1/me/calls/seen                           user
GET     /api/v1/me/calls/live                           user
POST    /api/v1/me/calls/<call>/pull                    user
GET     /api/v1/calls/<call>                            user

GET     /api/v1/conversations                           user
POST    /api/v1/conversations                           user
GET     /api/v1/conversations/<int:conversation>        user
PATCH   /api/v1/conversations/<int:conversation>        user
PUT     /api/v1/conversations/<int:conversation>/members/<number> user
DELETE  /api/v1/conversations/<int:conversation>/members/<number> user
GET     /api/v1/conversations/<int:conversation>/messages user
POST    /api/v1/conversations/<int:conversation>/messages user
PUT     /api/v1/conversations/<int:conversation>/read   user
PATCH   /api/v1/messages/<int:message>                  user
DELETE  /api/v1/messages/<int:message>                  user
GET     /api/v1/sync                                    user
GET     /api/v1/search                                  user
POST    /api/v1/uploads                                 user
PATCH   /api/v1/uploads/<upload>                        user
DELETE  /api/v1/uploads/<upload>                        user
GET     /api/v1/attachments/<attachment>                user
GET     /api/v1/attachments/<attachment>/thumbnail      user

GET     /api/v1/admin/overview                          admin
GET     /api/v1/admin/users                             admin
POST    /api/v1/admin/users                             admin
POST    /api/v1/admin/users/import                      admin
GET     /api/v1/admin/users/<number>                    admin
PATCH   /api/v1/admin/users/<number>                    admin
DELETE  /api/v1/admin/users/<number>                    admin
POST    /api/v1/admin/users/<number>/password           admin
GET     /api/v1/admin/users/<number>/devices            admin
GET     /api/v1/admin/users/<number>/forwarding         admin
PUT     /api/v1/admin/users/<number>/forwarding         admin
POST    /api/v1/admin/users/<number>/forwarding/simulate admin
GET     /api/v1/admin/users/<number>/forwarding/history admin
GET     /api/v1/admin/devices                           admin
POST    /api/v1/admin/devices                           admin
DELETE  /api/v1/admin/devices/<sip_name>                admin
GET     /api/v1/admin/groups                            admin
PUT     /api/v1/admin/groups/<number>                   admin
DELETE  /api/v1/admin/groups/<number>                   admin
GET     /api/v1/admin/registrations                     admin
GET     /api/v1/admin/calls/live                        admin
DELETE  /api/v1/admin/calls/live/<call>                 admin
GET     /api/v1/admin/calls                             admin
GET     /api/v1/admin/blocks                            admin
DELETE  /api/v1/admin/blocks/<path:what>                admin
GET     /api/v1/admin/audit                             admin
POST    /api/v1/admin/simulate                          admin
GET     /api/v1/admin/retention                         admin
PUT     /api/v1/admin/retention                         admin
POST    /api/v1/admin/retention/preview                 admin
GET     /api/v1/admin/retention/holds                   admin
PUT     /api/v1/admin/retention/holds/<number>          admin
DELETE  /api/v1/admin/retention/holds/<number>          admin
GET     /api/v1/admin/retention/holds/<number>/export   admin
"""

ROUTES = tuple(Route(*line.split()) for line in _ROUTES.splitlines() if line)

LIVE = {
    "activity": USER,
    "send": USER,
    "typing": USER,
}
"""Requests over Socket.IO."""

HEARD_BY = {
    "connected": "the browser",
    "presence.changed": "everyone",
    "directory.changed": "everyone",
    "calls.reset": "everyone",
    "call.live": "its parties and admins",
    "call.recorded": "its parties",
    "calls.seen": "the user",
    "forwarding.changed": "the user",
    "profile.changed": "the user",
    "device.changed": "the user",
    "message.sent": "the members of its conversation",
    "message.changed": "the members of its conversation",
    "conversation.changed": "its members",
    "conversation.added": "the user",
    "conversation.removed": "the user",
    "conversation.muted": "the user",
    "read.changed": "the members of its conversation",
    "chat.reset": "everyone",
    "typing": "the other members of its conversation",
    "session.revoked": "the browser",
    "registration.changed": "admins",
    "blocks.changed": "admins",
}
"""Events, and who hears them."""
