using PyResolve.Server.Http;

namespace PyResolve.Server.Pages;

/// <summary>An input with its label, hint and error. What is null is left out of the HTML.</summary>
internal sealed record Field(string Name, string Label)
{
    /// <summary>The id of the input, where another element has the name already.</summary>
    public string Id { get => field ?? Name; init; }

    public string Type { get; init; } = "text";

    public string? Value { get; init; }

    public string? Autocomplete { get; init; }

    public int? MinLength { get; init; }

    public int? MaxLength { get; init; }

    public string? Hint { get; init; }

    public bool IsRequired { get; init; } = true;

    public bool IsFocused { get; init; }

    public ProblemResult? Problem { get; init; }

    public string? Error => Problem.ErrorsOf(Name) is { Count: > 0 } errors
        ? string.Join(" ", errors.Select(error => $"{Label} {error}"))
        : null;

    public string? DescribedBy => (Hint, Error) switch
    {
        (null, null) => null,
        (_, null) => $"{Id}-hint",
        (null, _) => $"{Id}-error",
        _ => $"{Id}-hint {Id}-error",
    };
}

internal static class FieldProblems
{
    public static IReadOnlyList<string> ErrorsOf(this ProblemResult? problem, string field) =>
        problem?.Problem.Errors?.GetValueOrDefault(field) ?? [];

    /// <summary>The text above a form that has a problem; null without one.</summary>
    public static string? SummaryWithout(this ProblemResult? problem, string[] shown)
    {
        if (problem?.Problem.Errors is not { } errors)
            return problem?.Problem.Detail;
        var others = errors
            .Where(error => !shown.Contains(error.Key, StringComparer.Ordinal))
            .SelectMany(static error => error.Value.Select(text => $"{error.Key}: {text}"))
            .ToList();
        return others.Count > 0 ? string.Join(" ", others) : "Correct what is marked below, and send it again.";
    }
}
