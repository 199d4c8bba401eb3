using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Changes that an account makes to itself, by the API and by its settings page.</summary>
internal sealed class OwnAccount(
    Database database, PasswordProof proof, Sessions sessions, Credentials credentials, EmailTokens tokens, AuditLog audit,
    TimeProvider time)
{
    /// <returns>null: the account was deleted.</returns>
    public Task<UserInfo?> RenameAsync(Caller caller, string name, Origin origin, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                var renamed = await session.FirstAsync(
                    $"""
                    update profiles set name = {name.Trim()}, updated_at = {time.GetInstant()}
                    where id = {caller.UserId} and deleted_at is null
                    returning id, email, name, plan
                    """,
                    static row => new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)),
                    cancellationToken);
                if (renamed is not null)
                {
                    await audit.WriteAsync(
                        session, caller.UserId, origin, AuditActions.AccountRenamed, target: null, cancellationToken);
                }

                return renamed;
            },
            cancellationToken);

    /// <summary>Changes the password. The other sessions end.</summary>
    public Task<ProblemResult?> ChangePasswordAsync(
        Caller caller, string current, string newPassword, Origin origin, CancellationToken cancellationToken) => proof.TryAsync(
        caller.UserId,
        current,
        origin,
        turn => turn.Hash(newPassword),
        async (session, hash) =>
        {
            await StoredPasswords.SetAsync(session, caller.UserId, hash, time.GetInstant(), cancellationToken);
            await credentials.EndSessionsAsync(session, caller.UserId, except: caller.SessionId, cancellationToken);
            await tokens.UseAllAsync(session, caller.UserId, EmailTokenPurposes.Reset, cancellationToken);
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.PasswordChanged, target: null, cancellationToken);
        },
        cancellationToken);

    /// <summary>Ends a session. That it has ended already is no error.</summary>
    /// <returns>Whether it is one of the account.</returns>
    public Task<bool> EndSessionAsync(Caller caller, Guid id, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (!await Sessions.IsOfAsync(session, caller.UserId, id, cancellationToken))
                return false;
            await sessions.EndAsync(session, id, cancellationToken);
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.LoggedOut, target: null, cancellationToken);
            return true;
        },
        cancellationToken);

    public Task EndOtherSessionsAsync(Caller caller, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            await credentials.EndSessionsAsync(session, caller.UserId, except: caller.SessionId, cancellationToken);
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.SessionsEnded, target: null, cancellationToken);
        },
        cancellationToken);
}
