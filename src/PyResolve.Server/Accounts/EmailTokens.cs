using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>What an email's link is for, as the store writes it.</summary>
internal static class EmailTokenPurposes
{
    public const string Reset = "reset";
    public const string Verify = "verify";
}

/// <summary>Whom an email's secret belongs to, and the address that it was sent to.</summary>
internal sealed record EmailTokenOwner(Guid UserId, string Email);

/// <summary>The secrets in emails: 256 random bits, stored as their SHA-256 alone, good only while the account still has that address.</summary>
internal sealed class EmailTokens(TimeProvider time)
{
    private const int SecretBytes = 32;

    public static TimeSpan ResetLifetime { get; } = TimeSpan.FromHours(1);

    public static TimeSpan VerificationLifetime { get; } = TimeSpan.FromDays(7);

    /// <summary>Within a transaction of the caller's.</summary>
    public async Task<string> CreateAsync(Session session, EmailTokenOwner owner, string purpose, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        var now = time.GetInstant();
        await session.ExecuteAsync(
            $"""
            insert into email_tokens (token_digest, user_id, purpose, email, created_at, expires_at)
            values ({DigestOf(token)}, {owner.UserId}, {purpose}, {owner.Email}, {now}, {now + lifetime})
            """,
            cancellationToken);
        return token;
    }

    /// <returns>Whose token it is, or <see langword="null"/> for one that is unknown, used or expired.</returns>
    public Task<EmailTokenOwner?> FindAsync(Session session, string token, string purpose, CancellationToken cancellationToken) => session.FirstAsync(
        $"""
        select t.user_id, t.email
        from email_tokens t
        join profiles p on p.id = t.user_id and p.email = t.email
        where t.token_digest = {DigestOf(token)} and t.purpose = {purpose} and t.used_at is null and t.expires_at > {time.GetInstant()}
        """,
        static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
        cancellationToken);

    /// <summary>Uses a token up. Of several at the same moment one succeeds.</summary>
    public async Task<bool> UseAsync(Session session, string token, string purpose, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return await session.ExecuteAsync(
            $"""
            update email_tokens set used_at = {now}
            where token_digest = {DigestOf(token)} and purpose = {purpose} and used_at is null and expires_at > {now}
            """,
            cancellationToken) == 1;
    }

    /// <summary>Makes every email of that purpose that is still under way worthless.</summary>
    public Task UseAllAsync(Session session, Guid userId, string purpose, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update email_tokens set used_at = {time.GetInstant()} where user_id = {userId} and purpose = {purpose} and used_at is null",
        cancellationToken);

    private static byte[] DigestOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
