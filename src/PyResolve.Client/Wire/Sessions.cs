namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /auth/sessions</c>.</summary>
/// <param name="Data">The account's open sessions, newest first.</param>
public sealed record SessionList(IReadOnlyList<SessionInfo> Data);

/// <summary>An open session of an account.</summary>
/// <param name="Id">Its id, by which it can be ended.</param>
/// <param name="CreatedAt">When it was opened.</param>
/// <param name="LastSeenAt">When it was last used, to a minute.</param>
/// <param name="Address">The IP address that opened it; <see langword="null"/> if it is not known.</param>
/// <param name="UserAgent">What the program that opened it calls itself; <see langword="null"/> if it does not say.</param>
/// <param name="Current">Whether it is the session that asked.</param>
public sealed record SessionInfo(
    Guid Id, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, string? Address, string? UserAgent, bool Current);
