using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Keeps what a deleted account had used of the month's quota for the next account of the same address or identity, or quota could be had
/// anew by deleting and signing up. Of the address and the identity a digest is kept, until the month ends.
/// </summary>
internal static class SpentQuota
{
    public static byte[] OfEmail(string email) => Digest($"email {EmailAddresses.KeyOf(email)}");

    public static byte[] OfIdentity(string issuer, string subject) => Digest($"identity {issuer} {subject}");

    /// <summary>
    /// Remembers what an account has used, before its address and identities are deleted. Units that are held now count as used; those that
    /// credits and overage cover are paid for, and do not.
    /// </summary>
    public static async Task RememberAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var month = now.ToMonth();
        var used = await session.NumberAsync(
            $"""
            select migrations + lapsed + held - credits - overage from usage_monthly where user_id = {userId} and month = {month}
            """,
            cancellationToken);
        if (used is null or <= 0)
            return;
        var digests = await session.ListAsync(
            $"select email from profiles where id = {userId} and email <> ''", static row => OfEmail(row.Text(0)), cancellationToken);
        digests.AddRange(await session.ListAsync(
            $"select issuer, subject from identities where user_id = {userId}",
            static row => OfIdentity(row.Text(0), row.Text(1)),
            cancellationToken));
        foreach (var digest in digests)
        {
            await session.ExecuteAsync(
                $"""
                insert into spent_quota (digest, month, used) values ({digest}, {month}, {used})
                on conflict (digest, month) do update set used = case when excluded.used > spent_quota.used
                    then excluded.used else spent_quota.used end
                """,
                cancellationToken);
        }
    }

    /// <summary>
    /// Counts the remembered units for a new account, as units of a reservation that were neither reported nor returned: they count as used
    /// without an event, and a recount finds them.
    /// </summary>
    public static async Task CarryOverAsync(
        Session session, Guid userId, IReadOnlyList<byte[]> digests, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var month = now.ToMonth();
        var used = 0L;
        foreach (var digest in digests)
        {
            used = Math.Max(used, await session.NumberAsync(
                $"select used from spent_quota where digest = {digest} and month = {month}", cancellationToken) ?? 0);
        }

        if (used == 0)
            return;
        used = Math.Min(used, int.MaxValue);
        await session.ExecuteAsync(
            $"""
            insert into reservations (user_id, id, state, quantity, remaining, tier, month, created_at, expires_at, request_digest, plan,
                                      used_before, held_before, lapsed)
            values ({userId}, {Ids.Create(now)}, 'expired', {used}, 0, 'tier1', {month}, {now}, {now}, {digests[0]}, 'free', 0, 0, {used})
            """,
            cancellationToken);
        await session.ExecuteAsync(
            $"insert into usage_monthly (user_id, month, lapsed) values ({userId}, {month}, {used})", cancellationToken);
    }

    public static Sql DeleteOld(DateTimeOffset now) => $"delete from spent_quota where month < {now.ToMonth()}";

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
