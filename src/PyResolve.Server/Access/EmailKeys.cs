using System.Data.Common;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Access;

/// <summary>Two accounts with one mailbox. <c>Other</c> is the one that is found by it.</summary>
internal sealed record EmailClash(Guid UserId, string Email, Guid Other, string OtherEmail);

/// <summary>Computes the normal form of addresses that SQL or an older server wrote.</summary>
internal static class EmailKeys
{
    private const int BatchSize = 1000;

    // Any number that no other lock uses.
    private const long FillLock = 0x5079_5265_6D61_696C;

    /// <summary>Fills in missing normal forms. Usually there are none, which one read of an empty index shows.</summary>
    public static async Task FillAsync(Database database, CancellationToken cancellationToken)
    {
        while (await HasWorkAsync(database, cancellationToken))
        {
            try
            {
                await database.WriteAsync(session => FillAsync(session, cancellationToken), cancellationToken);
            }
            catch (DbException exception) when (database.IsRefusal(exception))
            {
                // A sign-up took one of the addresses meanwhile: the next turn sees it.
            }
        }
    }

    /// <summary>Tries clashes again whose other account has another address by now.</summary>
    public static async Task<List<EmailClash>> ResolveAsync(Database database, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            $"""
            update profiles set email_clash = null
            where email_clash is not null
              and not exists (select 1 from profiles o where o.id = profiles.email_clash and o.email_key is not null)
            """,
            cancellationToken);
        await FillAsync(database, cancellationToken);
        return await database.ListAsync(
            $"""
            select p.id, p.email, o.id, o.email
            from profiles p
            join profiles o on o.id = p.email_clash
            where p.email_key is null and p.email <> ''
            order by p.created_at, p.id
            """,
            static row => new EmailClash(row.Uuid(0), row.Text(1), row.Uuid(2), row.Text(3)),
            cancellationToken);
    }

    private static async Task<bool> HasWorkAsync(Database database, CancellationToken cancellationToken) => await database.ReadAsync(
        session => session.NumberAsync(
            $"""
            select count(*)
            from (select id from profiles where email_key is null and email_clash is null and email <> '' limit 1) unkeyed
            """,
            cancellationToken),
        cancellationToken) > 0;

    /// <summary>Fills in normal forms. The older of two accounts keeps the mailbox.</summary>
    private static async Task FillAsync(Session session, CancellationToken cancellationToken)
    {
        await session.Engine.LockAsync(session, FillLock, cancellationToken);
        var rows = await session.ListAsync(
            $"""
            select id, email
            from profiles
            where email_key is null and email_clash is null and email <> ''
            order by created_at, id
            limit {BatchSize}
            """,
            static row => (Id: row.Uuid(0), Key: EmailAddresses.KeyOf(row.Text(1))),
            cancellationToken);
        var first = rows.DistinctBy(static row => row.Key, StringComparer.Ordinal).ToList();
        await session.ExecuteAsync(
            $"""
            update profiles set email_key = k.email_key
            from {session.Rows("k", first).With("id", static row => row.Id).With("email_key", static row => row.Key)}
            where profiles.id = k.id and not exists (select 1 from profiles o where o.email_key = k.email_key)
            """,
            cancellationToken);
        await session.ExecuteAsync(
            $"""
            update profiles set email_clash = o.id
            from {session.Rows("k", rows).With("id", static row => row.Id).With("email_key", static row => row.Key)}
            join profiles o on o.email_key = k.email_key
            where profiles.id = k.id and profiles.email_key is null
            """,
            cancellationToken);
    }
}
