using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;

namespace PyResolve.Server.Devices;

internal sealed record DeviceSignIn(string? UserCode, string? Email, ProblemResult? Problem, ChoicesList Choices);

internal sealed record CodeEntry(Caller Caller, string? Typed, ProblemResult? Problem);

internal sealed record DeviceQuestion(DeviceRequest Request, Caller Caller, string? OwnAddress, DateTimeOffset Now)
{
    /// <summary>The name of the device, in quotation marks and said to be its own words: anyone can send any name.</summary>
    public string Name => Request.ClientId is { } name ? $"Calls itself “{name}”" : "Does not say its name";

    public string ComparedAddress => Request.Address == OwnAddress
        ? "The same as this browser’s"
        : $"Not this browser’s, which is {OwnAddress}";

    public string Age => (int)(Now - Request.AskedAt).TotalMinutes switch
    {
        <= 0 => "Just now",
        1 => "A minute ago",
        var minutes => $"{minutes} minutes ago",
    };
}

/// <summary>The answer after a decision. <c>Name</c>: of the device; null: it was denied.</summary>
internal sealed record DeviceAnswer(string? Name, Caller Caller, string? UserCode);

internal sealed record DeviceAccount(Caller Caller, string? UserCode);
