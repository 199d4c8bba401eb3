using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// The letters of an account. Looking up who gets one, drawing its secret and sending it all happen off the request path: no request
/// tells by its answer or its time whether there was anybody to write to.
/// </summary>
internal sealed class AccountLetters(
    Database database, Outbox outbox, EmailTokens tokens, Throttle throttle, ThrottleRules rules, AuditLog audit, PublicUrl publicUrl)
{
    /// <summary>Within a transaction of the caller's; follow its commit with <see cref="Send"/>.</summary>
    public Task AskForVerificationAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        outbox.AddAsync(session, new LetterOrder(EmailKinds.Verification) { UserId = userId }, cancellationToken);

    public async Task AskForResetAsync(string email, Origin origin, CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled)
            return;
        var order = new LetterOrder(EmailKinds.Reset) { Email = Emails.Normalize(email), Address = origin.Address };
        await database.WriteAsync(session => outbox.AddAsync(session, order, cancellationToken), cancellationToken);
        Send();
    }

    public void Send() => outbox.Wake();

    /// <summary>Writes a letter that is to be sent now.</summary>
    /// <returns><see langword="null"/> where there is nobody to write to, or nothing to write any more.</returns>
    public Task<Letter?> ComposeAsync(DueLetter due, CancellationToken cancellationToken) => due.Order switch
    {
        { Kind: EmailKinds.Verification, UserId: { } userId } => VerificationAsync(userId, cancellationToken),
        { Kind: EmailKinds.Reset } => ResetAsync(due, cancellationToken),
        { Kind: EmailKinds.Leak, UserId: { } userId, Detail: { } prefix } => LeakAsync(userId, prefix, cancellationToken),
        // Of a newer server, which sends it itself.
        var other => throw new EmailDeliveryException($"letters of the kind '{other.Kind}' are not known here", isPermanent: false),
    };

    private async Task<Letter?> VerificationAsync(Guid userId, CancellationToken cancellationToken)
    {
        var owner = await database.FirstAsync(
            $"select id, email from profiles where id = {userId} and email <> '' and email_verified_at is null",
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
        if (owner is null)
            return null;

        var token = await database.WriteAsync(
            session => tokens.CreateAsync(session, owner, EmailPurposes.Verify, EmailTokens.VerificationLifetime, cancellationToken), cancellationToken);
        return new Letter(
            owner.Email,
            "Confirm your e-mail address",
            $"""
            Welcome to PyResolve. To confirm that this is your e-mail address, open this link within 7 days:

            {publicUrl.Value}/verify-email?token={token}

            If you did not sign up, somebody mistyped their address: you need not do anything.
            """);
    }

    private async Task<Letter?> ResetAsync(DueLetter due, CancellationToken cancellationToken)
    {
        var owner = due.Order.UserId is { } known ? await FindAsync(known, cancellationToken) : await FindAsync(due.Order.Email!, cancellationToken);
        if (owner is null)
            return null;
        var isFirst = due.Order.UserId is null;
        if (isFirst && (await throttle.RecordAsync(rules.ResetOf(owner.UserId), cancellationToken)).RetryAfter is not null)
            return null;

        var token = await database.WriteAsync(
            async session =>
            {
                if (isFirst)
                {
                    await Outbox.AddressAsync(session, due.Id, owner.UserId, cancellationToken);
                    await audit.WriteAsync(
                        session, owner.UserId, Origin.Anyone(due.Order.Address), AuditActions.PasswordResetAsked, target: null, cancellationToken);
                }

                return await tokens.CreateAsync(session, owner, EmailPurposes.Reset, EmailTokens.ResetLifetime, cancellationToken);
            },
            cancellationToken);
        return new Letter(
            owner.Email,
            "Choose a new password",
            $"""
            Somebody, hopefully you, asked to choose a new password for your PyResolve account. To do so, open this link within an hour:

            {publicUrl.Value}/reset-password?token={token}

            It works once. If it was not you, you need not do anything: your password stays as it is.
            """);
    }

    private async Task<Letter?> LeakAsync(Guid userId, string prefix, CancellationToken cancellationToken)
    {
        var email = await database.FirstAsync(
            $"select email from profiles where id = {userId} and email <> ''", static row => row.Text(0), cancellationToken);
        return email is null ? null : new Letter(
            email,
            "An API key of yours was found in the open",
            $"""
            Somebody found your PyResolve API key {prefix}… where others can read it, and reported it. It was revoked at once: whatever used it
            is refused from now on.

            Make a new key and put it where only your programs can read it. What was done with the old one is in your account's audit log.
            """);
    }

    private Task<EmailTokenOwner?> FindAsync(string email, CancellationToken cancellationToken) => database.FirstAsync(
        $"""
        select p.id, p.email
        from profiles p
        join passwords w on w.user_id = p.id
        where lower(p.email) = {email} and p.email <> ''
        """,
        static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
        cancellationToken);

    private Task<EmailTokenOwner?> FindAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"""
        select p.id, p.email
        from profiles p
        join passwords w on w.user_id = p.id
        where p.id = {userId} and p.email <> ''
        """,
        static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
        cancellationToken);
}
