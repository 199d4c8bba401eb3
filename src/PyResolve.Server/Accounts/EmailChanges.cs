using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Changes an account's address for its owner: the link in an email to the new one changes it, and the old one gets a notice. No answer
/// shows whether another account has the address.
/// </summary>
internal sealed class EmailChanges(
    Database database, PasswordProof proof, EmailOutbox outbox, Throttle throttle, VerifiedKeyCache verified, AuditLog audit,
    TimeProvider time)
{
    private static readonly ProblemResult NoMail = new(Problems.Conflict(
        "This server sends no email, and so cannot confirm the new address. Ask its operator to change it: accounts set-email"));

    public static TimeSpan Lifetime { get; } = TimeSpan.FromDays(1);

    /// <summary>Sends the link. The password is ignored where the account has none: the token of the other service is the proof.</summary>
    public async Task<ProblemResult?> AskAsync(
        Caller caller, EmailAddress email, string? password, Origin origin, CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled)
            return NoMail;
        var attempt = await throttle.RecordAsync(throttle.Rules.EmailChangeOf(caller.UserId), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return AccountProblems.TooMany("changes of the email", wait);
        var problem = await database.WriteAsync(
            async session => !await StoredPasswords.ExistsAsync(session, caller.UserId, cancellationToken)
                && await QueueAsync(session, caller.UserId, email, origin, cancellationToken),
            cancellationToken)
            ? null
            : string.IsNullOrEmpty(password)
                ? new ProblemResult(Problems.Invalid("password", ProblemTexts.IsRequired))
                : await proof.TryAsync(
                    caller.UserId,
                    password,
                    origin,
                    prepare: static _ => true,
                    (session, _) => QueueAsync(session, caller.UserId, email, origin, cancellationToken),
                    cancellationToken);
        outbox.Wake();
        return problem;
    }

    /// <returns>A token for the link; null where the address has not to be changed any more, or another account has it.</returns>
    public Task<string?> CreateTokenAsync(Guid userId, EmailAddress email, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var token = TokenKind.Email.Create();
            var created = await session.ExecuteAsync(
                $"""
                insert into email_changes (token_digest, user_id, old_email, new_email, created_at, expires_at)
                select {TokenKind.DigestOf(token)}, p.id, p.email, {email.Shown}, {now}, {now + Lifetime}
                from profiles p
                where p.id = {userId} and p.deleted_at is null
                  and not exists (select 1 from profiles other where other.email_key = {email.Key} and other.id <> p.id)
                """,
                cancellationToken);
            return created == 1 ? token : null;
        },
        cancellationToken);

    public async Task<Outcome<EmailTokenOwner>> ConfirmAsync(string token, Origin origin, CancellationToken cancellationToken)
    {
        // An invented token must cost only a read.
        if (await database.ReadAsync(session => FindAsync(session, token, cancellationToken), cancellationToken) is null)
            return EmailTokenActions.UnknownToken;
        await EmailKeys.FillAsync(database, cancellationToken);
        var outcome = await database.WriteAsync(
            session => ConfirmAsync(session, token, origin, cancellationToken), cancellationToken);
        if (outcome.Value is { } owner)
        {
            verified.Remove(owner.UserId);
            outbox.Wake();
        }

        return outcome;
    }

    private async Task<Outcome<EmailTokenOwner>> ConfirmAsync(
        Session session, string token, Origin origin, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        if (await FindAsync(session, token, cancellationToken) is not { } change
            || EmailAddresses.Parse(change.New) is not { } email)
            return EmailTokenActions.UnknownToken;
        await Credentials.LockAsync(session, change.UserId, cancellationToken);
        if (await session.ExecuteAsync($"delete from email_changes where user_id = {change.UserId}", cancellationToken) == 0)
            return EmailTokenActions.UnknownToken;
        if (!await AddressChange.TryAsync(session, change.UserId, email, provedAt: now, now, cancellationToken))
            return AccountProblems.EmailTaken;
        await outbox.AddAsync(
            session, new QueuedEmail(EmailKinds.EmailChanged) { UserId = change.UserId, Detail = change.Old }, cancellationToken);
        await audit.WriteAsync(session, change.UserId, origin, AuditActions.EmailChanged, target: null, cancellationToken);
        return new EmailTokenOwner(change.UserId, email.Shown);
    }

    private Task<Change?> FindAsync(Session session, string token, CancellationToken cancellationToken) => session.FirstAsync(
        $"""
        select c.user_id, c.old_email, c.new_email
        from email_changes c
        join profiles p on p.id = c.user_id and p.email = c.old_email
        where c.token_digest = {TokenKind.DigestOf(token)} and c.expires_at > {time.GetInstant()} and p.deleted_at is null
        """,
        static row => new Change(row.Uuid(0), row.Text(1), row.Text(2)),
        cancellationToken);

    private async Task<bool> QueueAsync(
        Session session, Guid userId, EmailAddress email, Origin origin, CancellationToken cancellationToken)
    {
        await outbox.AddAsync(
            session, new QueuedEmail(EmailKinds.EmailChange) { UserId = userId, Detail = email.Shown }, cancellationToken);
        await audit.WriteAsync(session, userId, origin, AuditActions.EmailChangeAsked, target: null, cancellationToken);
        return true;
    }

    private sealed record Change(Guid UserId, string Old, string New);
}
