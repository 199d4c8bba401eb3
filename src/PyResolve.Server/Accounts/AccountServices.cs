using PyResolve.Server.Email;

namespace PyResolve.Server.Accounts;

internal static class AccountServices
{
    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(new ThrottleRules(configuration))
        .AddSingleton<Throttle>()
        .AddSingleton<Passwords>()
        .AddSingleton<PasswordProof>()
        .AddSingleton<Sessions>()
        .AddSingleton<WebSessions>()
        .AddSingleton<LogIn>()
        .AddSingleton<EmailTokens>()
        .AddSingleton<EmailedTokens>()
        .AddSingleton<AccountLetters>()
        .AddSingleton<ComposeEmail>(provider => provider.GetRequiredService<AccountLetters>().ComposeAsync)
        .AddSingleton<AccountDeletion>()
        .AddHostedService<Housekeeping>();
}
