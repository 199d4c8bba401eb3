using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Alerts;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Emails;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Sends the emails of accounts. The recipient is looked up when an email is sent, so that no answer or timing shows whether an account
/// exists.
/// </summary>
internal sealed class AccountEmails(
    Database database, EmailOutbox outbox, EmailTokens tokens, EmailChanges changes, Throttle throttle, AuditLog audit, PublicUrl publicUrl,
    ProductOptions product, BillingEmailTexts billing)
{
    public Task QueueVerificationAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        outbox.AddAsync(session, new QueuedEmail(EmailKinds.Verification) { UserId = userId }, cancellationToken);

    public async Task SendResetAsync(string email, Origin origin, CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled)
            return;
        var queued = new QueuedEmail(EmailKinds.Reset) { TypedAddress = email.Trim(), ClientAddress = origin.Address };
        await database.WriteAsync(session => outbox.AddAsync(session, queued, cancellationToken), cancellationToken);
        Send();
    }

    public void Send() => outbox.Wake();

    public async Task<EmailMessage?> ComposeAsync(DueEmail due, CancellationToken cancellationToken)
    {
        var message = await ComposeTextAsync(due, cancellationToken);
        return message is null || product.SupportEmail is not { } support
            ? message
            : message with { Text = $"{message.Text}\n\nQuestions? Write to {support}." };
    }

    private Task<EmailMessage?> ComposeTextAsync(DueEmail due, CancellationToken cancellationToken) => due.Email switch
    {
        { Kind: EmailKinds.Verification, UserId: { } userId } => ComposeVerificationAsync(userId, cancellationToken),
        { Kind: EmailKinds.Reset } => ComposeResetAsync(due, cancellationToken),
        { Kind: EmailKinds.Invitation, UserId: { } userId, Detail: { } hours } => ComposeInvitationAsync(
            userId, TimeSpan.FromHours(int.Parse(hours, CultureInfo.InvariantCulture)), cancellationToken),
        { Kind: EmailKinds.Leak, UserId: { } userId, Detail: { } prefix } => ComposeLeakNoticeAsync(userId, prefix, cancellationToken),
        { Kind: EmailKinds.EmailChange, UserId: { } userId, Detail: { } address } =>
            ComposeEmailChangeAsync(userId, address, cancellationToken),
        { Kind: EmailKinds.EmailChanged, UserId: { } userId, Detail: { } address } =>
            ComposeEmailChangedAsync(userId, address, cancellationToken),
        { Kind: EmailKinds.UsageAlert, Detail: { } detail } => ComposeAlertAsync(AlertEmail.Parse(detail), cancellationToken),
        { Kind: var kind, UserId: { } userId, Detail: { } subscription } when BillingEmailTexts.Has(kind) =>
            billing.ComposeAsync(kind, userId, subscription, cancellationToken),
        // Queued by a newer server, which will send it.
        var other => throw new EmailDeliveryException($"emails of the kind '{other.Kind}' are not known here", isPermanent: false),
    };

    private async Task<EmailMessage?> ComposeVerificationAsync(Guid userId, CancellationToken cancellationToken)
    {
        var owner = await database.FirstAsync(
            $"select id, email from profiles where id = {userId} and email <> '' and email_verified_at is null",
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
        if (owner is null)
            return null;

        var token = await database.WriteAsync(
            session => tokens.CreateAsync(session, owner, EmailTokenPurposes.Verify, EmailTokens.VerificationLifetime, cancellationToken),
            cancellationToken);
        return new EmailMessage(
            owner.Email,
            "Confirm your email address",
            $"""
            Welcome to {product.Name}. To confirm your email address, open this link within 7 days:

            {publicUrl.Value}/verify-email?token={token}

            Enter your password there to keep it and the API keys that you have made. Without it they are revoked.

            If you did not sign up, someone else typed your address. You can ignore this email, or confirm without a password: that
            ends what they made, also their password, and a new one gives you the account.
            """);
    }

    private async Task<EmailMessage?> ComposeResetAsync(DueEmail due, CancellationToken cancellationToken)
    {
        var owner = await FindResetOwnerAsync(due.Email, cancellationToken);
        if (owner is null)
            return null;
        var isFirstTry = due.Email.UserId is null;
        if (isFirstTry && (await throttle.RecordAsync(throttle.Rules.ResetOf(owner.UserId), cancellationToken)).RetryAfter is not null)
            return null;

        var token = await database.WriteAsync(
            async session =>
            {
                if (isFirstTry)
                {
                    await EmailOutbox.SetUserAsync(session, due.Id, owner.UserId, cancellationToken);
                    await audit.WriteAsync(
                        session, owner.UserId, Origin.Anyone(due.Email.ClientAddress), AuditActions.PasswordResetAsked, target: null,
                        cancellationToken);
                }

                return await tokens.CreateAsync(session, owner, EmailTokenPurposes.Reset, EmailTokens.ResetLifetime, cancellationToken);
            },
            cancellationToken);
        return new EmailMessage(
            owner.Email,
            "Choose a new password",
            $"""
            Someone, hopefully you, asked to reset the password of your {product.Name} account. To choose a new one, open this link within
            an hour:

            {publicUrl.Value}/reset-password?token={token}

            All sessions of the account end then. If this address was never confirmed before, all its API keys and device logins are
            revoked as well, since somebody else may have made them; otherwise you can choose that on the page.

            The link works once. If it was not you, you can ignore this email: your password stays the same.
            """);
    }

    private async Task<EmailMessage?> ComposeInvitationAsync(Guid userId, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var owner = await database.FirstAsync(
            $"""
            select p.id, p.email from profiles p
            where p.id = {userId} and p.email <> '' and not exists (select 1 from passwords w where w.user_id = p.id)
            """,
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
        if (owner is null)
            return null;
        var token = await database.WriteAsync(
            session => tokens.CreateAsync(session, owner, EmailTokenPurposes.Reset, lifetime, cancellationToken), cancellationToken);
        var hours = lifetime.TotalHours.ToString("0", CultureInfo.InvariantCulture);
        return new EmailMessage(
            owner.Email,
            $"Your {product.Name} account",
            $"""
            An account was made for you on a {product.Name} server. To choose its password, open this link within {hours} hours:

            {publicUrl.Value}/reset-password?token={token}

            The link works once. Later, "forgot password" sends you another one.
            """);
    }

    private async Task<EmailMessage?> ComposeLeakNoticeAsync(Guid userId, string prefix, CancellationToken cancellationToken)
    {
        var email = await FindEmailAsync(userId, cancellationToken);
        return email is null ? null : new EmailMessage(
            email,
            "Your API key was published and has been revoked",
            $"""
            Someone found your {product.Name} API key {prefix}… in a public place and reported it. It was revoked immediately: every
            program that still uses it is refused.

            Create a new key and store it where only your programs can read it. Your account's audit log shows what was done with the
            old one.
            """);
    }

    private async Task<EmailMessage?> ComposeAlertAsync(AlertEmail alert, CancellationToken cancellationToken) =>
        await FindEmailAsync(alert.UserId, cancellationToken) is { } email ? alert.To(email, product.Name, publicUrl.Value) : null;

    private Task<string?> FindEmailAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select email from profiles where id = {userId} and email <> ''", static row => row.Text(0), cancellationToken);

    /// <summary>
    /// Writes the email to a new address. None goes to an address that another account has: neither account must show that the other
    /// exists.
    /// </summary>
    private async Task<EmailMessage?> ComposeEmailChangeAsync(Guid userId, string address, CancellationToken cancellationToken)
    {
        if (EmailAddresses.Parse(address) is not { } email
            || await changes.CreateTokenAsync(userId, email, cancellationToken) is not { } token)
            return null;
        return new EmailMessage(
            email.Shown,
            "Confirm your new email address",
            $"""
            To use this address for your {product.Name} account from now on, open this link within a day:

            {publicUrl.Value}/change-email?token={token}

            The link works once. If you did not ask for this, you can ignore this email: nothing changes.
            """);
    }

    private async Task<EmailMessage?> ComposeEmailChangedAsync(Guid userId, string oldAddress, CancellationToken cancellationToken)
    {
        var email = await FindEmailAsync(userId, cancellationToken);
        return email is null ? null : new EmailMessage(
            oldAddress,
            "The email address of your account was changed",
            $"""
            The email address of your {product.Name} account is now {email}. This address is no longer used. The change was made with the
            account's password, and confirmed from the new address.

            If it was not you, tell the operator of {publicUrl.Value} at once.
            """);
    }

    /// <summary>
    /// Finds the owner by the typed address on the first try, by id on the next. An account that signs in through another service gets no
    /// password; one that an operator created may not have one yet.
    /// </summary>
    private async Task<EmailTokenOwner?> FindResetOwnerAsync(QueuedEmail email, CancellationToken cancellationToken)
    {
        var userId = email.UserId ?? (await database.FindAccountAsync(email.TypedAddress!, cancellationToken))?.User.Id;
        return userId is null ? null : await database.FirstAsync(
            $"""
            select p.id, p.email
            from profiles p
            where p.id = {userId} and p.email <> ''
              and (exists (select 1 from passwords w where w.user_id = p.id)
                   or not exists (select 1 from identities i where i.user_id = p.id))
            """,
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
    }
}
