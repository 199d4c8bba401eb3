namespace PyResolve.Testing.Http;

/// <summary>Such as <c>POST /quota/reservations/*/commit</c>: an asterisk stands for one segment, or alone for every request.</summary>
internal sealed class RoutePattern
{
    private readonly string[]? _segments;

    public RoutePattern(string route)
    {
        if (route == "*")
            return;
        if (route.Split(' ') is not [{ Length: > 0 } method, ['/', ..] path])
            throw new ArgumentException("Write a route as \"POST /quota/reservations/*/commit\", or \"*\" for all.", nameof(route));
        _segments = [method, .. path.Split('/')];
    }

    public bool Matches(FakeRequest request)
    {
        if (_segments is null)
            return true;
        string[] segments = [request.Method, .. request.Path.Split('/')];
        return segments.Length == _segments.Length && segments.Zip(_segments).All(static pair => pair.Second == "*"
            || pair.First == pair.Second);
    }
}
