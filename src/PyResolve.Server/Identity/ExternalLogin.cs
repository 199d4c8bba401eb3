using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Identity;

/// <summary>A sign-in on the pages through another service. The second factor of the account is asked for as after a password.</summary>
internal sealed class ExternalLogin(Database database, Identities identities, SessionOpening opening, PendingLogins pending)
{
    public async Task<LoginOutcome> EnterAsync(
        ExternalIdentity identity, string next, SessionClient client, CancellationToken cancellationToken)
    {
        var entered = await identities.EnterAsync(identity, client.Origin, cancellationToken);
        if (entered.Value is not { UserId: var userId })
            return entered.Problem!;
        return await database.WriteAsync<LoginOutcome>(
            async session =>
            {
                // Locked first, as by what ends the sessions that are open.
                await StoredPasswords.LockAsync(session, userId, expectedHash: "", cancellationToken);
                if (await FindUserAsync(session, userId, cancellationToken) is not { } user)
                    return AccountProblems.PendingLoginExpired;
                if (await SecondFactors.IsOnAsync(session, userId, cancellationToken))
                {
                    var token = await pending.CreateAsync(session, userId, next, cancellationToken);
                    return new LoginOutcome(Opened: null, token, Problem: null);
                }

                return await opening.OpenWithoutProofAsync(session, user, client, cancellationToken);
            },
            cancellationToken);
    }

    private static Task<UserInfo?> FindUserAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select id, email, name, plan from profiles where id = {userId} and deleted_at is null",
        static row => new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)),
        cancellationToken);
}
