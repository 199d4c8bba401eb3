using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal sealed class AccountCreation(
    Database database, Passwords passwords, Sessions sessions, ApiKeys keys, Throttle throttle, AccountEmails emails, AuditLog audit,
    TimeProvider time)
{
    public async Task<Outcome<SignUpResponse>> TryAsync(
        string email, string? name, string password, Origin origin, CancellationToken cancellationToken)
    {
        if ((await throttle.RecordAsync(throttle.Rules.SignUp(origin.Address), cancellationToken)).RetryAfter is { } wait)
            return AccountProblems.TooMany("sign-ups from this address", wait);
        if (await HashAsync(password, cancellationToken) is not { } passwordHash)
            return AccountProblems.Busy;
        var secret = await keys.GenerateSecretAsync(ApiKeySecrets.SignUps, cancellationToken);
        var now = time.GetInstant();
        var address = EmailAddresses.Normalize(email);
        var user = new UserInfo(
            Ids.Create(now), address, string.IsNullOrWhiteSpace(name) ? address[..address.IndexOf('@')] : name.Trim(), PlanCatalog.Free);

        var created = await database.WriteAsync(
            async session =>
            {
                var inserted = await session.ExecuteAsync(
                    $"""
                    insert into profiles (id, email, name, plan, created_at, updated_at)
                    values ({user.Id}, {user.Email}, {user.Name}, {user.Plan}, {now}, {now})
                    on conflict do nothing
                    """,
                    cancellationToken);
                if (inserted == 0)
                    return null;
                await StoredPasswords.SetAsync(session, user.Id, passwordHash, now, cancellationToken);
                var wanted = new NewApiKey(ApiKeys.DefaultName, Scopes.Default, ExpiresAt: null, RequestsPerMinute: null);
                var key = await keys.CreateAsync(session, user.Id, wanted, secret, cancellationToken);
                var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, cancellationToken);
                await audit.WriteAsync(session, user.Id, origin, AuditActions.AccountCreated, key.Prefix, cancellationToken);
                await emails.QueueVerificationAsync(session, user.Id, cancellationToken);
                return new SignUpResponse(user, key.ApiKey, token, expiresAt);
            },
            cancellationToken);
        if (created is null)
            return AccountProblems.EmailTaken;
        emails.Send();
        return created;
    }

    private async Task<string?> HashAsync(string password, CancellationToken cancellationToken)
    {
        using var turn = await passwords.TakeTurnAsync(cancellationToken);
        return turn?.Hash(password);
    }
}
