using System.Text.Json;

namespace PyResolve.Server.Tests.Http;

internal static class AnswerAssertions
{
    /// <summary>The same JSON value, white space and the order of members apart.</summary>
    public static void ShouldBeJson(this Answer answer, int status, string json)
    {
        answer.Status.ShouldBe(status, answer.Text);
        answer.ContentType.ShouldBe("application/json");
        JsonElement.DeepEquals(answer.Body, JsonDocument.Parse(json).RootElement).ShouldBeTrue($"{answer.Text}\nis not\n{json}");
    }

    /// <summary>Problem details with all that the wire contract promises.</summary>
    public static Answer ShouldBeProblem(this Answer answer, int status, string code, string? request = null)
    {
        answer.Status.ShouldBe(status, $"{request} {answer.Text}");
        answer.ContentType.ShouldBe("application/problem+json");
        answer["status"].GetInt32().ShouldBe(status);
        answer.Code.ShouldBe(code);
        foreach (var member in (string[])["type", "title", "detail", "request_id"])
            answer[member].GetString().ShouldNotBeNullOrWhiteSpace(member);
        answer.Headers.GetValues("X-Request-Id").ShouldBe([answer["request_id"].GetString()!]);
        return answer;
    }

    /// <summary>422, with the field among <c>errors</c>.</summary>
    public static void ShouldBlame(this Answer answer, string field, string? request = null)
    {
        answer.ShouldBeProblem(422, "invalid", request);
        var fields = answer["errors"].EnumerateObject().ToList();
        fields.Select(member => member.Name).ShouldContain(
            name => name == field || name.StartsWith($"{field}[", StringComparison.Ordinal), $"{request} {answer.Text}");
        fields.ShouldAllBe(member => member.Value.EnumerateArray().All(error => error.GetString()!.Length > 0));
    }
}
