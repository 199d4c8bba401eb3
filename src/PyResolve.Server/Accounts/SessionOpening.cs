using PyResolve.Client.Wire;
using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The end of every login, within the transaction that has checked it.</summary>
internal sealed class SessionOpening(Sessions sessions, Throttle throttle, AuditLog audit, PlanCatalog plans)
{
    public async Task<LogInResponse> OpenAsync(Session session, UserInfo user, SessionClient client, CancellationToken cancellationToken)
    {
        await audit.WriteAsync(session, user.Id, client.Origin, AuditActions.LoggedIn, target: null, cancellationToken);
        await throttle.KnowNetworkAsync(session, user.Email, client.Origin.Address, cancellationToken);
        var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, client, cancellationToken);
        return new LogInResponse(plans.Shown(user), token, expiresAt);
    }
}
