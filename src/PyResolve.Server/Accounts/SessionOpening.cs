using PyResolve.Client.Wire;
using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Opens the session at the end of every login, within the transaction that has checked it.</summary>
internal sealed class SessionOpening(Sessions sessions, Throttle throttle, AuditLog audit, PlanCatalog plans, TimeProvider time)
{
    public Task<LogInResponse> OpenAsync(Session session, UserInfo user, SessionClient client, CancellationToken cancellationToken) =>
        OpenAsync(session, user, client, time.GetInstant(), cancellationToken);

    /// <summary>
    /// Opens a session for a person whom another service names: it has no fresh proof of identity, which an operator's changes need.
    /// </summary>
    public Task<LogInResponse> OpenWithoutProofAsync(
        Session session, UserInfo user, SessionClient client, CancellationToken cancellationToken) =>
        OpenAsync(session, user, client, provedAt: null, cancellationToken);

    private async Task<LogInResponse> OpenAsync(
        Session session, UserInfo user, SessionClient client, DateTimeOffset? provedAt, CancellationToken cancellationToken)
    {
        await audit.WriteAsync(session, user.Id, client.Origin, AuditActions.LoggedIn, target: null, cancellationToken);
        await throttle.KnowNetworkAsync(session, user.Email, client.Origin.Address, cancellationToken);
        var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, client, provedAt, cancellationToken);
        return new LogInResponse(plans.Shown(user), token, expiresAt);
    }
}
