using PyResolve.Server.Access;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Accounts;

internal sealed class ThrottleRules(IConfiguration configuration)
{
    public const string LogInKind = "login.account";
    public const string KnownLogInKind = "login.known";

    private const int MaxLimit = 1_000_000;

    private static readonly TimeSpan GuessingWindow = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>The rule of <c>PyResolve:LogInFailuresPerAccount</c>: within 15 minutes; default 20.</summary>
    private readonly ThrottleRule _logInToAccount =
        new(LogInKind, ServerOptions.Number(configuration, "PyResolve:LogInFailuresPerAccount", 20, 1, MaxLimit), GuessingWindow);

    /// <summary>The rule of <c>PyResolve:LogInFailuresPerAddress</c>: within 15 minutes; default 100.</summary>
    private readonly ThrottleRule _logInFromAddress =
        new("login.address", ServerOptions.Number(configuration, "PyResolve:LogInFailuresPerAddress", 100, 1, MaxLimit), GuessingWindow);

    /// <summary>The rule of <c>PyResolve:SignUpsPerHour</c>: from an address; default 1000.</summary>
    private readonly ThrottleRule _signUpFromAddress =
        new("signup.address", ServerOptions.Number(configuration, "PyResolve:SignUpsPerHour", 1000, 1, MaxLimit), Hour);

    /// <summary>The rule of <c>PyResolve:DeviceCodesPerHour</c>: device logins begun from an address; default 300.</summary>
    private readonly ThrottleRule _deviceCodeFromAddress =
        new("device_code.address", ServerOptions.Number(configuration, "PyResolve:DeviceCodesPerHour", 300, 1, MaxLimit), Hour);

    private readonly ThrottleRule _userCodeOfAccount = new("user_code.account", 10, GuessingWindow);
    private readonly ThrottleRule _userCodeFromAddress = new("user_code.address", 50, GuessingWindow);
    private readonly ThrottleRule _passwordOfSession = new("password.account", 20, GuessingWindow);
    private readonly ThrottleRule _codeOfSession = new("code.account", 20, GuessingWindow);
    private readonly ThrottleRule _emailChangeOfAccount = new("email_change.account", 10, Hour);
    private readonly ThrottleRule _resetOfAccount = new("reset.account", 5, Hour);
    private readonly ThrottleRule _resetFromAddress = new("reset.address", 100, Hour);

    public IReadOnlyList<ThrottleMeter> LogIn(string email, string? address, bool isKnownNetwork) =>
    [
        isKnownNetwork
            ? (_logInToAccount with { Kind = KnownLogInKind }).For($"{OfEmail(email)} {NetworkOf(address)}")
            : _logInToAccount.For(OfEmail(email)),
        .. FromAddress(_logInFromAddress, address),
    ];

    /// <summary>The account and network that a password waits under in the hashing queue.</summary>
    public static QueueShare ShareOf(string email, string? address) => new(NetworkOf(address), OfEmail(email));

    public IReadOnlyList<ThrottleMeter> SignUp(string? address) => [.. FromAddress(_signUpFromAddress, address)];

    public IReadOnlyList<ThrottleMeter> Password(Guid userId) => [_passwordOfSession.For(userId.ToString())];

    /// <summary>The meters of codes of the second factor, from a session of the account.</summary>
    public IReadOnlyList<ThrottleMeter> Code(Guid userId) => [_codeOfSession.For(userId.ToString())];

    public IReadOnlyList<ThrottleMeter> EmailChangeOf(Guid userId) => [_emailChangeOfAccount.For(userId.ToString())];

    public IReadOnlyList<ThrottleMeter> ResetOf(Guid userId) => [_resetOfAccount.For(userId.ToString())];

    public IReadOnlyList<ThrottleMeter> ResetFrom(string? address) => [.. FromAddress(_resetFromAddress, address)];

    public IReadOnlyList<ThrottleMeter> DeviceCode(string? address) => [.. FromAddress(_deviceCodeFromAddress, address)];

    /// <summary>The meters of user codes. A code is short, so few guesses are allowed (RFC 8628, 5.1).</summary>
    public IReadOnlyList<ThrottleMeter> UserCode(Guid userId, string? address) =>
        [_userCodeOfAccount.For(userId.ToString()), .. FromAddress(_userCodeFromAddress, address)];

    /// <summary>The digest of an email address, so that the table holds no addresses.</summary>
    public static string OfEmail(string email) => Convert.ToHexStringLower(TokenKind.DigestOf(EmailAddresses.KeyOf(email)));

    public static string NetworkOf(string? address) => ClientNetwork.Of(address).Narrow;

    /// <summary>
    /// The meters of an address. An IPv6 client may have many networks of 64 bits, from one of 48: that one has half as much again.
    /// </summary>
    private static ThrottleMeter[] FromAddress(ThrottleRule rule, string? address)
    {
        var network = ClientNetwork.Of(address);
        return network.Wide is { } wide
            ? [rule.For(network.Narrow), (rule with { Limit = (int)Math.Min(MaxLimit, (rule.Limit * 3L + 1) / 2) }).For(wide)]
            : [rule.For(network.Narrow)];
    }
}
