namespace PyResolve.Migrators.Pydantic.Models;

internal enum PyKind
{
    /// <summary>An instance of the model.</summary>
    Instance,

    /// <summary>The model class.</summary>
    Class,

    /// <summary>A list, dict, set or iterator of instances.</summary>
    Collection,
}

/// <summary>The part of a Python type that matters for finding models.</summary>
internal sealed record PyType(PyKind Kind, string Model);
