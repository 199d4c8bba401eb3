using PyResolve.Server.Email;

namespace PyResolve.Server.Accounts;

internal static class AccountServices
{
    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(new ThrottleRules(configuration))
        .AddSingleton<Throttle>()
        .AddSingleton<Passwords>()
        .AddSingleton<CommonPasswords>()
        .AddSingleton<PasswordProof>()
        .AddSingleton<Sessions>()
        .AddSingleton<Credentials>()
        .AddSingleton<WebSessions>()
        .AddSingleton<SessionOpening>()
        .AddSingleton<PasswordLogin>()
        .AddSingleton<SecondFactorLogin>()
        .AddSingleton<SecondFactorSettings>()
        .AddSingleton<OwnAccount>()
        .AddSingleton<EmailChanges>()
        .AddSingleton<FailedLogins>()
        .AddHostedService(static provider => provider.GetRequiredService<FailedLogins>())
        .AddSingleton<AccountCreation>()
        .AddSingleton<EmailTokens>()
        .AddSingleton<EmailTokenActions>()
        .AddSingleton<AccountEmails>()
        .AddSingleton<ComposeEmail>(provider => provider.GetRequiredService<AccountEmails>().ComposeAsync)
        .AddSingleton<AccountDeletion>()
        .AddSingleton<AccountAdministration>()
        .AddHostedService<Housekeeping>();
}
