using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal static class EmailTokenPurposes
{
    public const string Reset = "reset";
    public const string Verify = "verify";
}

internal sealed record EmailTokenOwner(Guid UserId, string Email)
{
    /// <summary>Whether an operator handed the link over: then it shows nothing about the mailbox.</summary>
    public bool IsByOperator { get; init; }
}

/// <summary>The tokens in emailed links. Each is valid once, and only while the account still has the address it was sent to.</summary>
internal sealed class EmailTokens(TimeProvider time)
{
    public static TimeSpan ResetLifetime { get; } = TimeSpan.FromHours(1);

    public static TimeSpan VerificationLifetime { get; } = TimeSpan.FromDays(7);

    public async Task<string> CreateAsync(
        Session session, EmailTokenOwner owner, string purpose, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var token = TokenKind.Email.Create();
        var now = time.GetInstant();
        await session.ExecuteAsync(
            $"""
            insert into email_tokens (token_digest, user_id, purpose, email, created_at, expires_at, by_operator)
            values ({TokenKind.DigestOf(token)}, {owner.UserId}, {purpose}, {owner.Email}, {now}, {now + lifetime}, {owner.IsByOperator})
            """,
            cancellationToken);
        return token;
    }

    public Task<EmailTokenOwner?> FindAsync(Session session, string token, string purpose, CancellationToken cancellationToken) =>
        session.FirstAsync(
            $"""
            select t.user_id, t.email, t.by_operator
            from email_tokens t
            join profiles p on p.id = t.user_id and p.email = t.email
            where t.token_digest = {TokenKind.DigestOf(token)} and t.purpose = {purpose}
              and t.used_at is null and t.expires_at > {time.GetInstant()}
            """,
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)) { IsByOperator = row.Boolean(2) },
            cancellationToken);

    /// <returns>Whether the token was still valid: of concurrent uses one succeeds.</returns>
    public async Task<bool> UseAsync(Session session, string token, string purpose, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return await session.ExecuteAsync(
            $"""
            update email_tokens set used_at = {now}
            where token_digest = {TokenKind.DigestOf(token)} and purpose = {purpose} and used_at is null and expires_at > {now}
            """,
            cancellationToken) == 1;
    }

    public Task UseAllAsync(Session session, Guid userId, string purpose, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update email_tokens set used_at = {time.GetInstant()} where user_id = {userId} and purpose = {purpose} and used_at is null",
        cancellationToken);
}
