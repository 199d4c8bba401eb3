namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /audit</c>: the audit log of the account and its keys, newest first.</summary>
/// <param name="Data">At most 50 entries.</param>
/// <param name="NextCursor">The cursor of the next page; <see langword="null"/> at the end.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Data, string? NextCursor);

/// <summary>One line of the audit log.</summary>
/// <param name="At">When it happened.</param>
/// <param name="Actor">Who did it: <c>session</c>, <c>owner</c>, <c>key</c> and its prefix, <c>operator</c>, <c>anyone</c>.</param>
/// <param name="Action">What was done, as a stable code such as <c>key.revoked</c>.</param>
/// <param name="Target">What it was done to: a key's prefix, a plan, a name.</param>
/// <param name="Address">The client's IP address; <see langword="null"/> for an operator.</param>
public sealed record AuditEntry(DateTimeOffset At, string Actor, string Action, string? Target, string? Address);
