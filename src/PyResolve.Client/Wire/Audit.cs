namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /audit</c>: who did what to the account and its keys, newest first.</summary>
/// <param name="Data">At most 50 entries.</param>
/// <param name="NextCursor">Asks for the entries after these; <see langword="null"/> at the end.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Data, string? NextCursor);

/// <summary>One line of the audit log.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who: <c>session</c>, <c>owner</c>, <c>key</c> and its prefix, <c>operator</c>, <c>anyone</c>.</param>
/// <param name="Action">What, as a stable word such as <c>key.revoked</c>.</param>
/// <param name="Target">To what: a key's prefix, a plan, a name.</param>
/// <param name="Address">From where; <see langword="null"/> for an operator.</param>
public sealed record AuditEntry(DateTimeOffset At, string Actor, string Action, string? Target, string? Address);
