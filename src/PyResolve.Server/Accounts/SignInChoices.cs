namespace PyResolve.Server.Accounts;

/// <summary>Another service through which people sign in. <c>Path</c>: the page that leads there, from the root.</summary>
internal sealed record SignInChoice(string Name, string Path);

/// <summary>The services that a page offers. <c>Next</c>: as in <see cref="SignInForm"/>.</summary>
internal sealed record ChoicesList(IReadOnlyList<SignInChoice> Choices, string? Next);

/// <summary>The services that the sign-in and sign-up pages offer beside a password.</summary>
internal sealed record SignInChoices(IReadOnlyList<SignInChoice> All);
