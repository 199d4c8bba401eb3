using PyResolve.Client.Wire;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>An account on a scripted server, and what the server says of it.</summary>
public static class Account
{
    public const string Key = "pyr_live_0123456789abcdef0123456789abcdef0123456789abcdef";
    public const string OtherKey = "pyr_live_fedcba9876543210fedcba9876543210fedcba9876543210";
    public const string MaskedKey = "pyr_live_0123456789a…";

    public static Guid ReservationId { get; } = new("01930000-0000-7000-8000-000000000001");

    public static QuotaSnapshot Quota(long used = 2, long held = 0, long limit = 5, bool llm = false) => new(
        llm ? "pro" : "free", used, QuotaLimit.Of(limit), QuotaLimit.Of(Math.Max(0, limit - used - held)), llm, used + held < limit, held, "2026-11",
        new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));

    public static ScriptedServer WithAccount(this ScriptedServer server, QuotaSnapshot? quota = null) => server.On(
        "GET /me", new AccountInfo(Guid.Empty, "ada@example.com", (quota ?? Quota()).Plan, quota ?? Quota()), WireJson.Default.AccountInfo);

    /// <summary>Grants holds, and settles them.</summary>
    public static ScriptedServer WithHolds(this ScriptedServer server) => server
        .On(
            "POST /quota/reservations",
            new Reservation(
                ReservationId, ReservationStates.Held, 1, 1, "tier1", "pydantic", "2026-11", new DateTimeOffset(2026, 11, 23, 12, 15, 0, TimeSpan.Zero), Lease: null,
                Quota(held: 1)),
            WireJson.Default.Reservation,
            status: 201)
        .On(
            CommitRoute,
            new ReservationCommitted(ReservationId, ReservationStates.Committed, Guid.Empty, 0, Quota(used: 3)),
            WireJson.Default.ReservationCommitted)
        .On(ReleaseRoute, new ReservationReleased(ReservationId, ReservationStates.Released, Quota()), WireJson.Default.ReservationReleased);

    public static string CommitRoute => $"POST /quota/reservations/{ReservationId}/commit";

    public static string ReleaseRoute => $"DELETE /quota/reservations/{ReservationId}";

    public static ScriptedServer WithProblem(this ScriptedServer server, string route, int status, string code, string detail, string? upgradeUrl = null) =>
        server.On(
            route,
            new Problem { Title = "Refused", Status = status, Code = code, Detail = detail, UpgradeUrl = upgradeUrl, RequestId = "r-1" },
            WireJson.Default.Problem,
            status);
}
