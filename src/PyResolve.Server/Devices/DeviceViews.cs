using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Devices;

internal static class DeviceViews
{
    private static readonly ProblemResult Expired = new(
        Problems.Create(410, ProblemCodes.NotFound, "This code has expired. Start the login on your device again, which shows a new one."));

    /// <summary>The page that asks to sign in. A person who comes in through another service is brought back to the same code.</summary>
    public static PageResult SignIn(HttpContext http, string? userCode, string? email = null, ProblemResult? problem = null)
    {
        var back = SignInPages.NextOf(DevicePages.PathOf(userCode)) ?? DevicePages.PathOf(typed: null);
        var model = new DeviceSignIn(userCode, email, problem, new ChoicesList(SignInPages.ChoicesOf(http), back));
        return new("Sign in", new Devices_DeviceSignInPage { Model = model }) { Problem = problem };
    }

    public static PageResult EnterCode(Caller caller, string? typed = null, ProblemResult? problem = null) =>
        new("Enter the code", new Devices_CodePage { Model = new CodeEntry(caller, typed, problem) }) { Problem = problem };

    public static PageResult Of(DeviceRequest request, Caller caller, string? ownAddress, DateTimeOffset now) => request switch
    {
        { State: DeviceState.Denied } => Answered("Login denied", new DeviceAnswer(Name: null, caller, UserCode: null)),
        { State: DeviceState.Redeemed } or { State: DeviceState.Approved, HasExpired: false } =>
            Answered("Device connected", new DeviceAnswer(request.ClientId ?? "Your device", caller, request.UserCode)),
        { HasExpired: true } => EnterCode(caller, problem: Expired),
        _ => new("Is this your device?", new Devices_ComparePage { Model = new DeviceQuestion(request, caller, ownAddress, now) }),
    };

    private static PageResult Answered(string title, DeviceAnswer answer) => new(title, new Devices_AnswerPage { Model = answer });
}
