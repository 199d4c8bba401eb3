using PyResolve.Server.Http;

namespace PyResolve.Server.Pages;

internal static class Views
{
    public static Html? Alert(ProblemResult? problem) =>
        problem is null ? null : Html.Of($"""<p class="alert" role="alert">{problem.Problem.Detail}</p>""");

    public static Html? Hidden(string name, string? value) =>
        value is null ? null : Html.Of($"""<input type="hidden" name="{name}" value="{value}">""");

    public static PageResult Page(string title, ProblemResult? problem, Html body) =>
        new(problem is null ? title : $"Error: {title}", body, problem?.Problem.Status ?? StatusCodes.Status200OK, problem?.RetryAfter)
        {
            SecurityEvent = problem?.SecurityEvent,
        };
}
