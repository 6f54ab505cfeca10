// ModuleStore
