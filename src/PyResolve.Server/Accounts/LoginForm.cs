using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

/// <summary>What a person typed on a page to log in. <c>Next</c>: as in <see cref="SignInForm"/>.</summary>
/// <param name="Problem">null: the address and the password are there, and not too long.</param>
internal sealed record LoginForm(string? Email, string? Password, string? Next, ProblemResult? Problem)
{
    public static async Task<LoginForm> ReadAsync(HttpContext http) => Read(await FormBody.ReadAsync(http));

    public static LoginForm Read(IFormCollection form)
    {
        var (email, password) = (form.Field("email"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("email", email, EmailAddresses.MaxLength, required: true);
        errors.Text("password", password, Passwords.MaxLength, required: true);
        return new LoginForm(
            email, password, SignInPages.NextOf(form.Field("next")), errors.Problem is { } invalid ? new ProblemResult(invalid) : null);
    }
}
