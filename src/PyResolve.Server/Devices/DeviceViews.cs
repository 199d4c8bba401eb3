using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using static PyResolve.Server.Pages.Views;

namespace PyResolve.Server.Devices;

internal static class DeviceViews
{
    private static readonly ProblemResult Expired = new(
        Problems.Create(410, ProblemCodes.NotFound, "This code has expired. Start the login on your device again, which shows a new one."));

    public static PageResult SignIn(string? userCode, string? email = null, ProblemResult? problem = null) => Page("Sign in", problem, $"""
        <h1>Connect a device</h1>
        <p>Sign in to see which device asks for access to your account, and decide.</p>
        {Alert(problem)}
        <form method="post" action="device">
        {Hidden("user_code", userCode)}
        <label for="email">E-mail</label>
        <input id="email" name="email" type="email" autocomplete="username" maxlength="{EmailAddresses.MaxLength}"
         value="{email}" required{Focus(email is null)}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxlength="{Passwords.MaxLength}"
         required{Focus(email is not null)}>
        <button name="action" value="sign-in">Sign in</button>
        </form>
        """);

    public static PageResult EnterCode(Caller caller, string? typed = null, ProblemResult? problem = null) => Page(
        "Enter the code", problem, $"""
        <h1>Enter the code</h1>
        <p>Type the code that your terminal or editor shows.</p>
        {Alert(problem)}
        <form method="get" action="device">
        <label for="user_code">Code</label>
        <input class="code" id="user_code" name="user_code" value="{typed}" placeholder="XXXX-XXXX" autocomplete="off"
         autocapitalize="characters" spellcheck="false" maxlength="24" required autofocus>
        <button>Continue</button>
        </form>
        {SignedIn(caller, userCode: null)}
        """);

    public static PageResult Of(DeviceRequest request, Caller caller, string? ownAddress, DateTimeOffset now) => request switch
    {
        { State: DeviceState.Denied } => Denied(caller),
        { State: DeviceState.Redeemed } or { State: DeviceState.Approved, HasExpired: false } => Approved(request, caller),
        { HasExpired: true } => EnterCode(caller, problem: Expired),
        _ => Compare(request, caller, ownAddress, now),
    };

    private static PageResult Compare(DeviceRequest request, Caller caller, string? ownAddress, DateTimeOffset now) => new(
        "Is this your device?", $"""
        <h1>Is this your device?</h1>
        <p>Approve only if you started this login yourself, and your device shows exactly this code:</p>
        <p class="code">{request.UserCode}</p>
        <dl>
        <dt>Device</dt><dd><bdi>{NameOf(request)}</bdi></dd>
        <dt>Address</dt><dd>{request.Address ?? "Unknown"}<small>{CompareAddress(request.Address, ownAddress)}</small></dd>
        <dt>Asked</dt><dd><time datetime="{Format(request.AskedAt, "s")}Z">{Ago(now - request.AskedAt)}</time>
        <small>{Format(request.AskedAt, "HH:mm 'UTC'")}</small></dd>
        </dl>
        <p>It gets an API key of your account, without an end date, that allows it to:</p>
        <ul class="scopes">
        {ScopeList(request.Scopes)}
        </ul>
        <p class="small">You can revoke the key at any time.</p>
        <form method="post" action="device">
        {Hidden("user_code", request.UserCode)}
        <div class="choice"><button class="quiet" name="action" value="deny">Deny</button>
        <button name="action" value="approve">Approve</button></div>
        </form>
        {SignedIn(caller, request.UserCode)}
        """);

    private static Html ScopeList(IReadOnlyList<string> scopes) =>
        Html.Join(scopes.Select(static scope => Html.Of($"<li>{DeviceScopes.Describe(scope)} <small><code>{scope}</code></small></li>")));

    /// <summary>In quotation marks, and said to be its own words: anyone can send any name.</summary>
    private static string NameOf(DeviceRequest request) =>
        request.ClientId is { } name ? $"Calls itself “{name}”" : "Does not say its name";

    private static PageResult Approved(DeviceRequest request, Caller caller) => new("Device connected", $"""
        <img class="mark" src="assets/approved.svg" alt="">
        <h1>Device connected</h1>
        <p><strong>{request.ClientId ?? "Your device"}</strong> has access to your account. You can close this page and go back to it.</p>
        {SignedIn(caller, request.UserCode)}
        """);

    private static PageResult Denied(Caller caller) => new("Login denied", $"""
        <img class="mark" src="assets/denied.svg" alt="">
        <h1>Login denied</h1>
        <p>The device got no access. If you did not start this login, someone may have sent you its code: they learned nothing about your
        account.</p>
        {SignedIn(caller, userCode: null)}
        """);

    private static Html? Focus(bool isFocused) => isFocused ? Html.Of($" autofocus") : null;

    private static Html SignedIn(Caller caller, string? userCode) => $"""
        <form class="account" method="post" action="device">
        {Hidden("user_code", userCode)}
        <span>Signed in as <strong>{caller.Email}</strong></span><button class="link" name="action" value="sign-out">Sign out</button>
        </form>
        """;

    private static string CompareAddress(string? address, string? ownAddress) =>
        address == ownAddress ? "The same as this browser’s" : $"Not this browser’s, which is {ownAddress}";

    private static string Format(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);

    private static string Ago(TimeSpan age) => (int)age.TotalMinutes switch
    {
        <= 0 => "Just now",
        1 => "A minute ago",
        var minutes => $"{minutes} minutes ago",
    };
}
