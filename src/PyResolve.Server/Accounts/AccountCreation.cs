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
    PlanCatalog plans, TimeProvider time)
{
    public async Task<Outcome<SignUpResponse>> TryAsync(
        EmailAddress email, string? name, string password, SessionClient client, CancellationToken cancellationToken)
    {
        var origin = client.Origin;
        if ((await throttle.RecordAsync(throttle.Rules.SignUp(origin.Address), cancellationToken)).RetryAfter is { } wait)
            return AccountProblems.TooMany("sign-ups from this address", wait);
        await EmailKeys.FillAsync(database, cancellationToken);
        if (await HashAsync(email, password, origin, cancellationToken) is not { } passwordHash)
            return AccountProblems.Busy;
        var secret = await keys.GenerateSecretAsync(ApiKeySecrets.SignUps, cancellationToken);
        var now = time.GetInstant();
        var account = new NewAccount(Ids.Create(now), email, name);

        var created = await database.WriteAsync(
            async session =>
            {
                if (await NewAccounts.InsertAsync(session, account, now, cancellationToken) is not { } user)
                    return null;
                await StoredPasswords.SetAsync(session, user.Id, passwordHash, now, cancellationToken);
                var wanted = new NewApiKey(ApiKeys.DefaultName, Scopes.Default, ExpiresAt: null, RequestsPerMinute: null)
                {
                    MadeBy = NewApiKey.BySignUp,
                };
                var key = await keys.CreateAsync(session, user.Id, wanted, secret, cancellationToken);
                var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, client, now, cancellationToken);
                await throttle.KnowNetworkAsync(session, user.Email, origin.Address, cancellationToken);
                await audit.WriteAsync(session, user.Id, origin, AuditActions.AccountCreated, key.Prefix, cancellationToken);
                await emails.QueueVerificationAsync(session, user.Id, cancellationToken);
                return new SignUpResponse(plans.Shown(user), key.ApiKey, token, expiresAt);
            },
            cancellationToken);
        if (created is null)
            return AccountProblems.EmailTaken;
        emails.Send();
        return created;
    }

    private async Task<string?> HashAsync(EmailAddress email, string password, Origin origin, CancellationToken cancellationToken)
    {
        using var turn = await passwords.TakeTurnAsync(ThrottleRules.ShareOf(email.Key, origin.Address), cancellationToken);
        return turn?.Hash(password);
    }
}
