"""What admins see and do. Every route here is `Access.ADMIN`, and every change is in the audit trail."""
