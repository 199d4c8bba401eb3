using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>Lets an operator's session see the pages of an account, and send none of their forms, for an hour.</summary>
internal sealed class AccountView(Database database, AuditLog audit, TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <returns>Whether there is such an account.</returns>
    public Task<bool> BeginAsync(
        SignedInOperator by, Guid userId, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var begun = await session.ExecuteAsync(
                $"""
                update sessions set viewing = {userId}, viewing_until = {time.GetInstant() + Lifetime}
                where id = {by.SessionId} and exists (select 1 from profiles where id = {userId} and deleted_at is null)
                """,
                cancellationToken);
            if (begun == 0)
                return false;
            await audit.WriteAsync(session, userId, origin, AuditActions.Viewed, target: null, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <returns>The account that was seen; null: none was.</returns>
    public Task<Guid?> EndAsync(SignedInOperator by, CancellationToken cancellationToken) => database.WriteAsync<Guid?>(
        async session =>
        {
            var viewed = await session.FirstAsync(
                $"select viewing from sessions where id = {by.SessionId} and viewing is not null",
                static row => new { Id = row.Uuid(0) },
                cancellationToken);
            await session.ExecuteAsync(
                $"update sessions set viewing = null, viewing_until = null where id = {by.SessionId}", cancellationToken);
            return viewed?.Id;
        },
        cancellationToken);
}
